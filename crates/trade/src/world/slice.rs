//! One kind of noun in memory: what was loaded, what a batch changed, and how it stood before.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

/// One kind of noun, as far as it was loaded: present, or known to be absent.
#[derive(Clone, Debug)]
pub struct Slice<K, V> {
    noun: &'static str,
    held: HashMap<K, Held<V>>,
    changed: BTreeSet<K>,
    undo: Vec<Undo<K, V>>,
    /// Counts the batches that were taken from here.
    batch: u64,
}

/// A thing in memory; shared with whoever writes it to storage meanwhile.
#[derive(Debug)]
struct Held<V> {
    value: Option<Arc<V>>,
    /// The batch that named it last.
    named: u64,
}

impl<V> Clone for Held<V> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), named: self.named }
    }
}

/// How a key stood before a command put something there; `None` if it was not loaded.
#[derive(Clone, Debug)]
struct Undo<K, V> {
    key: K,
    before: Option<Held<V>>,
    was_changed: bool,
}

impl<K: Clone + Eq + Hash + Ord + fmt::Debug, V> Slice<K, V> {
    pub(super) fn new(noun: &'static str) -> Self {
        Self { noun, held: HashMap::new(), changed: BTreeSet::new(), undo: Vec::new(), batch: 0 }
    }

    /// Puts what was found in storage under `key`, `None` where nothing was.
    pub fn load(&mut self, key: K, value: Option<V>) {
        self.held.insert(key, Held { value: value.map(Arc::new), named: self.batch });
    }

    /// Whether `key` was loaded, so that a second round asks only for what is missing.
    #[must_use]
    pub fn knows(&self, key: &K) -> bool {
        self.held.contains_key(key)
    }

    /// Takes note that this batch names `key`; whether it still has to be loaded.
    pub(super) fn lacks(&mut self, key: &K) -> bool {
        match self.held.get_mut(key) {
            Some(held) => {
                held.named = self.batch;
                false
            }
            None => true,
        }
    }

    /// What stands under `key`.
    ///
    /// # Panics
    /// If no command of the batch named `key` in `reads`: answering `None` would let a command
    /// create twice what exists. The lane catches it and refuses the guilty command alone.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        self.found(key).as_deref()
    }

    /// The same, to be kept: nothing is copied.
    ///
    /// # Panics
    /// As [`Self::get`].
    #[must_use]
    pub fn share(&self, key: &K) -> Option<Arc<V>> {
        self.found(key).clone()
    }

    fn found(&self, key: &K) -> &Option<Arc<V>> {
        match self.held.get(key) {
            Some(held) => &held.value,
            None => panic!("{} {key:?} was not named in reads()", self.noun),
        }
    }

    /// Changes or creates what stands under `key`, which was named in `reads`.
    pub fn put(&mut self, key: K, value: V) {
        let now = Held { value: Some(Arc::new(value)), named: self.batch };
        let before = self.held.insert(key.clone(), now);
        let was_changed = !self.changed.insert(key.clone());
        self.undo.push(Undo { key, before, was_changed });
    }

    /// Changes what is present under `key` without its having to be written: it follows from what is.
    pub(super) fn amend(&mut self, key: &K, change: impl FnOnce(&V) -> V) {
        if let Some(held) = self.held.get_mut(key) {
            held.value = held.value.as_deref().map(|value| Arc::new(change(value)));
            held.named = self.batch;
        }
    }

    /// All that is present.
    pub fn all(&self) -> impl Iterator<Item = (&K, &V)> {
        self.held.iter().filter_map(|(k, held)| held.value.as_deref().map(|v| (k, v)))
    }

    pub(super) fn keep(&mut self) {
        self.undo.clear();
    }

    pub(super) fn take_back(&mut self) {
        while let Some(Undo { key, before, was_changed }) = self.undo.pop() {
            if !was_changed {
                self.changed.remove(&key);
            }
            match before {
                Some(held) => self.held.insert(key, held),
                None => self.held.remove(&key),
            };
        }
    }

    /// All that was changed in this batch, in key order; the next begins with nothing changed.
    pub(super) fn take_changed(&mut self) -> Vec<(K, Arc<V>)> {
        self.undo.clear();
        self.batch += 1;
        let found = |key: K| self.held.get(&key).and_then(|held| held.value.clone()).map(|value| (key, value));
        std::mem::take(&mut self.changed).into_iter().filter_map(found).collect()
    }

    /// Lets go of what no batch has named since `since`.
    pub(super) fn forget(&mut self, since: u64) {
        self.held.retain(|_, held| held.named >= since);
    }

    pub(super) fn named(&self) -> impl Iterator<Item = u64> {
        self.held.values().map(|held| held.named)
    }

    /// What is present under `key`; a key that was not loaded is absent.
    pub(super) fn present(&self, key: &K) -> Option<&V> {
        self.held.get(key).and_then(|held| held.value.as_deref())
    }

    /// How many things are known, present or absent.
    pub(super) fn known(&self) -> usize {
        self.held.len()
    }

    /// How many batches were taken from here.
    pub(super) const fn batches(&self) -> u64 {
        self.batch
    }
}
