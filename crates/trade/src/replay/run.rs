//! Lets trades fly on several threads.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use super::{Counts, Figure, Flight, PastTrades, WindTunnel};

/// Why a replay stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayFault {
    /// Somebody does not want it any more.
    Stopped,
    /// The trades cannot be read, and why.
    Unread(String),
}

/// Flies every trade under both laws and counts. `stop` is looked at between chunks.
///
/// # Errors
/// The trades cannot be read, or it was stopped. Nothing is told of a part of them.
pub fn replay(
    tunnel: &WindTunnel<'_>,
    trades: &(impl PastTrades + ?Sized),
    threads: usize,
    stop: &AtomicBool,
) -> Result<Counts, ReplayFault> {
    let next = AtomicU64::new(0);
    let fly = || {
        let mut counts = Counts::default();
        let mut chunk = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= trades.chunks() {
                return Ok(counts);
            }
            if stop.load(Ordering::Relaxed) {
                return Err(ReplayFault::Stopped);
            }
            chunk.clear();
            if let Err(fault) = trades.chunk(number, &mut chunk) {
                stop.store(true, Ordering::Relaxed);
                return Err(ReplayFault::Unread(fault));
            }
            for trade in &chunk {
                counts.take(tunnel.fly(trade).as_ref());
            }
        }
    };
    let counted: Vec<Result<Counts, ReplayFault>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(fly)).collect();
        let died = || Err(ReplayFault::Unread("a thread died".to_owned()));
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(|_| died())).collect()
    });
    // What cannot be read says more than that the others were stopped for it.
    if let Some(fault) = counted.iter().filter_map(|c| c.as_ref().err()).max_by_key(|f| **f != ReplayFault::Stopped) {
        return Err(fault.clone());
    }
    let mut all = Counts::default();
    counted.into_iter().flatten().for_each(|counts| all.merge(counts));
    Ok(all)
}

/// The trades behind a number, from the first on.
#[derive(Clone, Debug)]
pub struct Behind {
    pub figure: Figure,
    /// Passed over.
    pub skip: u64,
    pub most: usize,
}

impl Behind {
    /// Calls `show` for each of them, in their order.
    ///
    /// # Errors
    /// As [`replay`].
    pub fn each(
        &self,
        tunnel: &WindTunnel<'_>,
        trades: &(impl PastTrades + ?Sized),
        stop: &AtomicBool,
        mut show: impl FnMut(&Flight<'_>),
    ) -> Result<(), ReplayFault> {
        let (mut skip, mut left) = (self.skip, self.most);
        let mut chunk = Vec::new();
        for number in 0..trades.chunks() {
            if left == 0 {
                return Ok(());
            }
            if stop.load(Ordering::Relaxed) {
                return Err(ReplayFault::Stopped);
            }
            chunk.clear();
            trades.chunk(number, &mut chunk).map_err(ReplayFault::Unread)?;
            for trade in &chunk {
                let Some(flight) = tunnel.fly(trade).filter(|flight| self.figure.counts(flight)) else { continue };
                if skip > 0 {
                    skip -= 1;
                } else if left > 0 {
                    left -= 1;
                    show(&flight);
                }
            }
        }
        Ok(())
    }
}
