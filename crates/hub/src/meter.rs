//! What this process counts of its own work, for whoever watches the machine: numbers in memory that begin
//! at nothing with every start. What is kept for good are the counts in `tally.rs`.
//!
//! A label is one of a closed list, or of so many as there are peers and rules: never a party, a trade or
//! a path.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use trade::command::Outcome;
use trade::commands::Command;

use crate::hub::{Answer, Unavailable};

/// Numbers by labels, which only grow.
#[derive(Debug)]
pub struct Counters<const N: usize>(Mutex<BTreeMap<[String; N], u64>>);

impl<const N: usize> Default for Counters<N> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// Rows of one counter: beyond it something is wrong with its labels, and all else counts as `other`.
const ROWS_MAX: usize = 2_000;

impl<const N: usize> Counters<N> {
    pub fn add(&self, labels: [&str; N], n: u64) {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut labels = labels.map(str::to_owned);
        if rows.len() >= ROWS_MAX && !rows.contains_key(&labels) {
            labels = labels.map(|_| "other".to_owned());
        }
        *rows.entry(labels).or_insert(0) += n;
    }

    #[must_use]
    pub fn rows(&self) -> Vec<([String; N], u64)> {
        let rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rows.iter().map(|(labels, n)| (labels.clone(), *n)).collect()
    }
}

/// Sizes or times in classes; each counts what is not larger than its bound.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    counts: Vec<AtomicU64>,
    sum: AtomicU64,
}

/// A histogram as it is now: how many up to each bound, how many in all, and their sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    pub up_to: Vec<(u64, u64)>,
    pub count: u64,
    pub sum: u64,
}

impl Histogram {
    #[must_use]
    pub fn new(bounds: &'static [u64]) -> Self {
        Self { bounds, counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(), sum: AtomicU64::new(0) }
    }

    pub fn add(&self, value: u64) {
        let class = self.bounds.partition_point(|bound| *bound < value);
        self.counts[class].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// A time, in microseconds.
    pub fn add_time(&self, took: Duration) {
        self.add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    #[must_use]
    pub fn shape(&self) -> Shape {
        let mut count = 0;
        let mut passed = |class: &AtomicU64| {
            count += class.load(Ordering::Relaxed);
            count
        };
        let up_to = self.bounds.iter().zip(&self.counts).map(|(bound, class)| (*bound, passed(class))).collect();
        let rest = self.counts.last().map_or(0, |class| class.load(Ordering::Relaxed));
        Shape { up_to, count: count + rest, sum: self.sum.load(Ordering::Relaxed) }
    }
}

/// Microseconds: from a fast batch to a caller that gives up.
pub const TIMES: &[u64] = &[
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000,
];
/// Commands in a batch, up to the default most and a little more.
const SIZES: &[u64] = &[1, 4, 16, 64, 256, 512, 1_024, 2_048, 4_096];

/// The meters of a hub's lane.
#[derive(Debug)]
pub struct Meters {
    /// By kind of command and what came of it.
    pub commands: Counters<2>,
    /// By kind of command and the code of the refusal.
    pub refusals: Counters<2>,
    /// From a command's coming in to its answer.
    pub latency: Histogram,
    pub batch_size: Histogram,
    pub deciding: Histogram,
    pub writing: Histogram,
    /// Batches that could not be written, by the store's reason.
    pub failed_writes: Counters<1>,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            commands: Counters::default(),
            refusals: Counters::default(),
            latency: Histogram::new(TIMES),
            batch_size: Histogram::new(SIZES),
            deciding: Histogram::new(TIMES),
            writing: Histogram::new(TIMES),
            failed_writes: Counters::default(),
        }
    }
}

/// What came of the commands of one batch; added to the meters once.
#[derive(Debug, Default)]
pub(crate) struct Came<'a> {
    outcomes: BTreeMap<(&'static str, &'static str), u64>,
    refusals: BTreeMap<(&'static str, &'a str), u64>,
}

impl<'a> Came<'a> {
    pub fn take(&mut self, command: &Command, answer: &'a Answer) {
        let kind = command.kind();
        let outcome = match answer {
            Ok(Outcome::Ok(_)) => "done",
            Ok(Outcome::Err(problem)) => {
                *self.refusals.entry((kind, &problem.code)).or_insert(0) += 1;
                "refused"
            }
            Err(Unavailable::Faulty) => "faulty",
            Err(_) => "unavailable",
        };
        *self.outcomes.entry((kind, outcome)).or_insert(0) += 1;
    }

    pub fn add_to(self, meters: &Meters) {
        for ((kind, outcome), n) in self.outcomes {
            meters.commands.add([kind, outcome], n);
        }
        for ((kind, code), n) in self.refusals {
            meters.refusals.add([kind, code], n);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_counts_what_is_not_larger_than_its_bound() {
        let histogram = Histogram::new(&[10, 100]);
        for value in [1, 10, 11, 100, 101] {
            histogram.add(value);
        }
        // 1 and 10 up to 10; 11 and 100 besides up to 100; 101 above all bounds. 1+10+11+100+101 = 223.
        assert_eq!(histogram.shape(), Shape { up_to: vec![(10, 2), (100, 4)], count: 5, sum: 223 });
    }

    #[test]
    fn a_counter_with_too_many_labels_counts_the_rest_as_other() {
        let counters = Counters::<1>::default();
        for n in 0..ROWS_MAX + 10 {
            counters.add([&n.to_string()], 1);
        }
        counters.add(["7"], 2);
        let rows = counters.rows();
        assert_eq!(rows.len(), ROWS_MAX + 1);
        assert!(rows.contains(&(["other".to_owned()], 10)) && rows.contains(&(["7".to_owned()], 3)));
    }
}
