//! A network that loses, doubles, delays, reorders and alters what is sent over it.

use std::collections::VecDeque;

use crate::random::Random;

/// How bad it is: once in so many messages; 0 is never.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    pub lost: u64,
    pub doubled: u64,
    pub swapped: u64,
    pub altered: u64,
}

/// Messages on their way in one direction, as bytes.
#[derive(Clone, Debug, Default)]
pub struct Wire {
    queue: VecDeque<Vec<u8>>,
    /// Nothing passes while cut; what is on its way is lost.
    pub cut: bool,
}

impl Wire {
    pub fn send(&mut self, message: Vec<u8>, weather: Weather, random: &mut Random) {
        let strikes = |random: &mut Random, chance: u64| chance > 0 && random.once_in(chance);
        if self.cut || strikes(random, weather.lost) {
            return;
        }
        let mut message = message;
        if strikes(random, weather.doubled) {
            self.queue.push_back(message.clone());
        }
        if strikes(random, weather.altered) && !message.is_empty() {
            let at = random.below(u64::try_from(message.len()).expect("fits"));
            let at = usize::try_from(at).expect("below the length");
            message[at] ^= 1 << random.below(7);
        }
        if strikes(random, weather.swapped) {
            self.queue.push_front(message);
        } else {
            self.queue.push_back(message);
        }
    }

    pub fn receive(&mut self) -> Option<Vec<u8>> {
        if self.cut {
            self.queue.clear();
        }
        self.queue.pop_front()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}
