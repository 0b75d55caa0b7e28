//! The log's Merkle tree: RFC 6962 hashes, kept in C2SP tiles of height 8, with its two proofs.
//!
//! A leaf is the bytes of one event. Appending needs only the right edge of the tree, so that n
//! leaves cost O(n) hashes and O(log n) stored tiles are read. Proofs read tiles through a closure
//! `(level, index) -> bytes of the widest tile stored there`; nothing here knows where they lie.
//!
//! Sources: RFC 6962 section 2.1 (hashes, paths), RFC 9162 sections 2.1.3.2 and 2.1.4.2 (checking
//! them), C2SP tlog-tiles (tiles, their paths, entry bundles).

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// Hashes in a full tile: tiles have height 8 (C2SP tlog-tiles).
pub const TILE_WIDTH: u64 = 256;

/// An entry bundle gives each leaf a length of 16 bits (C2SP tlog-tiles), so no leaf may be longer.
pub const LEAF_MAX_BYTES: usize = 65_535;

/// A path has at most one hash a level, and a tree of 2^63 leaves has 63 levels above its leaves;
/// a consistency proof may have one more.
pub const PROOF_MAX_HASHES: usize = 64;

/// A SHA-256 hash. Base64 on the wire, as checkpoints write it; see [`hex`] for fields in hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// The root of a tree without leaves: SHA-256 of nothing.
    #[must_use]
    pub fn of_empty_tree() -> Self {
        Self(Sha256::digest([]).into())
    }

    /// Plain SHA-256 of some bytes, without the prefix of a leaf.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Standard base64 with padding, 44 characters.
    #[must_use]
    pub fn base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    #[must_use]
    pub fn from_base64(text: &str) -> Option<Self> {
        // Decoding is strict: no blanks, no missing padding, no bits beyond the last byte.
        (text.len() == 44).then(|| STANDARD.decode(text).ok()).flatten()?.try_into().ok().map(Self)
    }

    /// 64 lower-case hex digits.
    #[must_use]
    pub fn hex(&self) -> String {
        self.0.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Upper-case digits are refused, so that a hash has one spelling.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut bytes = [0_u8; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Some(Self(bytes))
    }
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.base64())
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::from_base64(&text).ok_or_else(|| serde::de::Error::custom("not 32 bytes in base64"))
    }
}

/// For fields that show a hash in hex: `#[serde(with = "crate::log::hex")]`.
pub mod hex {
    use super::{Deserialize, Deserializer, Hash, Serializer};

    pub fn serialize<S: Serializer>(hash: &Hash, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&hash.hex())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Hash, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Hash::from_hex(&text).ok_or_else(|| serde::de::Error::custom("not 32 bytes in hex"))
    }
}

/// Bytes that travel in JSON as standard base64.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bytes(pub Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes {}", self.0.len(), STANDARD.encode(self.0.get(..24).unwrap_or(&self.0)))
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        STANDARD.decode(text.as_bytes()).map(Self).map_err(|_| serde::de::Error::custom("not base64"))
    }
}

/// What a proof or a stored tile lacks. Indexes and sizes count leaves from 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum LogFault {
    /// Nothing is stored for a tile that the tree needs.
    TileMissing { level: u8, index: u64 },
    /// The stored tile has fewer hashes than the tree needs.
    TileTooNarrow { level: u8, index: u64, needed: u64, stored: u64 },
    /// The tile is not a whole number of 32-byte hashes, or more than 256 of them.
    TileMalformed { level: u8, index: u64, bytes: u64 },
    /// The stored tiles do not give the root that they should.
    OtherRoot { expected: Hash, got: Hash },
    /// There is no such leaf in a tree of this size.
    NoSuchLeaf { index: u64, size: u64 },
    /// A tree does not grow smaller.
    Shrunk { from: u64, to: u64 },
    /// The path has the wrong number of hashes for this leaf and size.
    ProofLength { expected: u64, got: u64 },
    /// The path does not lead from the leaf to the root.
    NotIncluded { index: u64, size: u64 },
    /// The later tree does not extend the earlier one.
    NotConsistent { from: u64, to: u64 },
    /// An entry bundle ends within a leaf, or a leaf is longer than 65,535 bytes.
    EntriesMalformed { leaf: u64 },
}

/// Hash of a leaf: SHA-256(0x00 ‖ data).
#[must_use]
pub fn leaf_hash(data: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(data).finalize().into())
}

/// Hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut block = [0_u8; 65];
    block[0] = 1;
    block[1..33].copy_from_slice(&left.0);
    block[33..].copy_from_slice(&right.0);
    Hash(Sha256::digest(block).into())
}

/// Where a tile lies: its level counted in tiles (level 0 holds leaf hashes), its index in the
/// level, and how many hashes it has (256 when full).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TileId {
    pub level: u8,
    pub index: u64,
    pub width: u16,
}

impl TileId {
    /// The path by which C2SP tlog-tiles serves it: `tile/0/x001/234`, `tile/1/000.p/17`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("tile/{}/{}", self.level, index_path(self.index, self.width))
    }

    /// The path of the entry bundle beside a tile of level 0: `tile/entries/x001/234`.
    #[must_use]
    pub fn entries_path(&self) -> String {
        format!("tile/entries/{}", index_path(self.index, self.width))
    }
}

/// An index in groups of three digits, all but the last marked with `x`; a partial tile adds `.p/W`.
fn index_path(index: u64, width: u16) -> String {
    let mut rest = index;
    let mut groups = vec![format!("{:03}", rest % 1000)];
    while rest >= 1000 {
        rest /= 1000;
        groups.push(format!("x{:03}", rest % 1000));
    }
    groups.reverse();
    let path = groups.join("/");
    if u64::from(width) == TILE_WIDTH { path } else { format!("{path}.p/{width}") }
}

/// A tile to store: `bytes` are its hashes one after the other. A wider tile replaces a narrower one.
#[derive(Clone, PartialEq, Eq)]
pub struct Tile {
    pub id: TileId,
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id.path())
    }
}

/// A log that is being appended to: its size and the hashes of its right edge.
///
/// ```
/// use trade::log::{Hash, Tree, leaf_hash};
/// let mut tree = Tree::new();
/// assert_eq!(tree.root(), Hash::of_empty_tree());
/// tree.append(leaf_hash(b"first"));
/// assert_eq!((tree.size(), tree.root()), (1, leaf_hash(b"first")));
/// assert_eq!(tree.take_tiles().len(), 1);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Tree {
    size: u64,
    /// Rightmost hashes of each tile level, fewer than 256 each: the partial tiles.
    edge: Vec<Vec<Hash>>,
    /// Tiles filled since the last [`Tree::take_tiles`].
    full: Vec<Tile>,
    /// Width of each partial tile when tiles were last taken.
    taken: Vec<usize>,
}

impl Tree {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes up a stored log of `size` leaves; at most one tile a level is read. What is stored
    /// must give `root`, so that a damaged or wrong store is noticed before anything is added.
    pub fn open<R>(size: u64, root: &Hash, reader: R) -> Result<Self, LogFault>
    where
        R: Fn(u8, u64) -> Option<Vec<u8>>,
    {
        let mut edge = Vec::new();
        let (mut level, mut above) = (0_u8, size);
        while above > 0 {
            let (width, index) = (above % TILE_WIDTH, above / TILE_WIDTH);
            let row = if width == 0 { Vec::new() } else { tile_row(level, index, width, &reader)? };
            edge.push(row);
            above = index;
            level += 1;
        }
        let taken = edge.iter().map(Vec::len).collect();
        let tree = Self { size, edge, full: Vec::new(), taken };
        let got = tree.root();
        if got == *root { Ok(tree) } else { Err(LogFault::OtherRoot { expected: *root, got }) }
    }

    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf and returns its index.
    pub fn append(&mut self, leaf: Hash) -> u64 {
        let index = self.size;
        self.size += 1;
        let mut carried = leaf;
        for level in 0.. {
            if self.edge.len() == level {
                self.edge.push(Vec::new());
            }
            let row = &mut self.edge[level];
            row.push(carried);
            if row.len() < 256 {
                break;
            }
            let id = TileId {
                level: u8::try_from(level).expect("8 levels of tiles hold 2^64 leaves"),
                index: index >> (8 * (level + 1)),
                width: 256,
            };
            self.full.push(Tile { id, bytes: row.iter().flat_map(|h| h.0).collect() });
            carried = fold(row, None).expect("the row is full");
            row.clear();
        }
        index
    }

    /// RFC 6962 Merkle tree hash of all leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.edge.iter().fold(None, |right, row| fold(row, right)).unwrap_or_else(Hash::of_empty_tree)
    }

    /// The tiles to store with the leaves just appended: those that were filled, then the partial
    /// ones whose width has changed since tiles were last taken.
    pub fn take_tiles(&mut self) -> Vec<Tile> {
        let mut tiles = std::mem::take(&mut self.full);
        for (level, row) in self.edge.iter().enumerate() {
            let before = self.taken.get(level).copied().unwrap_or(0);
            let refilled = tiles.iter().any(|t| usize::from(t.id.level) == level);
            if row.is_empty() || (row.len() == before && !refilled) {
                continue;
            }
            let id = TileId {
                level: u8::try_from(level).expect("8 levels of tiles hold 2^64 leaves"),
                index: self.size >> (8 * (level + 1)),
                width: u16::try_from(row.len()).expect("fewer than 256"),
            };
            tiles.push(Tile { id, bytes: row.iter().flat_map(|h| h.0).collect() });
        }
        self.taken = self.edge.iter().map(Vec::len).collect();
        tiles
    }
}

/// Joins the complete subtrees of a row of equal-height nodes, and what lies to their right.
fn fold(row: &[Hash], right: Option<Hash>) -> Option<Hash> {
    let mut rest = row;
    let mut peaks = Vec::new();
    while !rest.is_empty() {
        let width = 1_usize << rest.len().ilog2();
        let (left, more) = rest.split_at(width);
        let mut nodes = left.to_vec();
        while nodes.len() > 1 {
            nodes = nodes.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
        }
        peaks.extend(nodes);
        rest = more;
    }
    peaks.into_iter().rev().fold(right, |right, left| Some(right.map_or(left, |r| node_hash(&left, &r))))
}

/// The first `needed` hashes of a stored tile.
fn tile_row<R>(level: u8, index: u64, needed: u64, reader: &R) -> Result<Vec<Hash>, LogFault>
where
    R: Fn(u8, u64) -> Option<Vec<u8>>,
{
    let bytes = reader(level, index).ok_or(LogFault::TileMissing { level, index })?;
    let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if !count.is_multiple_of(32) || count > 32 * TILE_WIDTH {
        return Err(LogFault::TileMalformed { level, index, bytes: count });
    }
    if count < 32 * needed {
        return Err(LogFault::TileTooNarrow { level, index, needed, stored: count / 32 });
    }
    let width = usize::try_from(needed).expect("at most 256");
    Ok(bytes.chunks_exact(32).take(width).map(|c| Hash(c.try_into().expect("32 bytes"))).collect())
}

/// Proofs about a stored log of a given size. It keeps the tiles that it has read, so that the
/// proofs of a batch of neighbours cost little more than one.
pub struct Prover<R> {
    size: u64,
    reader: R,
    /// Tile level and index → the hashes of its eight inner levels, lowest first.
    tiles: BTreeMap<(u8, u64), Vec<Vec<Hash>>>,
}

impl<R: Fn(u8, u64) -> Option<Vec<u8>>> Prover<R> {
    pub const fn new(size: u64, reader: R) -> Self {
        Self { size, reader, tiles: BTreeMap::new() }
    }

    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Root of the first `size` leaves, which may be fewer than the log has.
    pub fn root_at(&mut self, size: u64) -> Result<Hash, LogFault> {
        match size {
            0 => Ok(Hash::of_empty_tree()),
            _ if size > self.size => Err(LogFault::Shrunk { from: size, to: self.size }),
            _ => self.range(0, size),
        }
    }

    /// The path from a leaf to the root, lowest sibling first (RFC 6962 section 2.1.1).
    pub fn inclusion(&mut self, index: u64) -> Result<Vec<Hash>, LogFault> {
        if index >= self.size {
            return Err(LogFault::NoSuchLeaf { index, size: self.size });
        }
        let mut siblings = Vec::new();
        let (mut start, mut end) = (0, self.size);
        while end - start > 1 {
            let middle = start + left_width(end - start);
            if index < middle {
                siblings.push((middle, end));
                end = middle;
            } else {
                siblings.push((start, middle));
                start = middle;
            }
        }
        siblings.into_iter().rev().map(|(from, to)| self.range(from, to)).collect()
    }

    /// That the log of this size extends its first `old` leaves (RFC 6962 section 2.1.2).
    pub fn consistency(&mut self, old: u64) -> Result<Vec<Hash>, LogFault> {
        if old > self.size {
            return Err(LogFault::Shrunk { from: old, to: self.size });
        }
        if old == 0 || old == self.size {
            return Ok(Vec::new());
        }
        let mut ranges = Vec::new();
        let (mut start, mut end, mut whole) = (0, self.size, true);
        while old != end {
            let middle = start + left_width(end - start);
            if old <= middle {
                ranges.push((middle, end));
                end = middle;
            } else {
                ranges.push((start, middle));
                start = middle;
                whole = false;
            }
        }
        if !whole {
            ranges.push((start, end));
        }
        ranges.into_iter().rev().map(|(from, to)| self.range(from, to)).collect()
    }

    /// Tree hash of the leaves `from..to`, where `from` is a multiple of the power of two that
    /// spans the range, as all ranges of a proof are.
    fn range(&mut self, from: u64, to: u64) -> Result<Hash, LogFault> {
        let mut peaks = Vec::new();
        let mut start = from;
        while start < to {
            let height = (to - start).ilog2();
            peaks.push(self.node(height, start >> height)?);
            start += 1 << height;
        }
        let root = peaks.into_iter().rev().reduce(|right, left| node_hash(&left, &right));
        Ok(root.unwrap_or_else(Hash::of_empty_tree))
    }

    /// The node over the 2^height leaves that begin at `index << height`, all of them in the log.
    fn node(&mut self, height: u32, index: u64) -> Result<Hash, LogFault> {
        let level = u8::try_from(height / 8).expect("at most 7");
        let row = height % 8;
        let tile = index >> (8 - row);
        if !self.tiles.contains_key(&(level, tile)) {
            let above = self.size >> (8 * u32::from(level));
            let needed = (above - tile * TILE_WIDTH).min(TILE_WIDTH);
            let mut rows = vec![tile_row(level, tile, needed, &self.reader)?];
            for lower in 0..7_usize {
                let pairs = rows[lower].chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
                rows.push(pairs);
            }
            self.tiles.insert((level, tile), rows);
        }
        let position = usize::try_from(index & ((1 << (8 - row)) - 1)).expect("at most 255");
        let rows = &self.tiles[&(level, tile)];
        let row = usize::try_from(row).expect("at most 7");
        rows[row].get(position).copied().ok_or(LogFault::TileMissing { level, index: tile })
    }
}

/// The largest power of two smaller than `n`, for n of at least 2.
const fn left_width(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// How many hashes the path of a leaf has.
fn path_length(index: u64, size: u64) -> u64 {
    // Levels where the leaf's branch has a full-width subtree, then one for each left sibling above.
    let inner = u64::BITS - (index ^ (size - 1)).leading_zeros();
    u64::from(inner + index.checked_shr(inner).unwrap_or(0).count_ones())
}

/// Checks that `leaf` is the hash of leaf `index` in the tree of `size` leaves with this root.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> Result<(), LogFault> {
    if index >= size {
        return Err(LogFault::NoSuchLeaf { index, size });
    }
    let expected = path_length(index, size);
    let got = u64::try_from(proof.len()).unwrap_or(u64::MAX);
    if got != expected {
        return Err(LogFault::ProofLength { expected, got });
    }
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last == 0 && hash == *root { Ok(()) } else { Err(LogFault::NotIncluded { index, size }) }
}

/// Checks that the tree of `to` leaves begins with the tree of `from` leaves. Any tree extends the
/// empty one, and then the proof has no hashes.
pub fn verify_consistency(from: u64, from_root: &Hash, to: u64, to_root: &Hash, proof: &[Hash]) -> Result<(), LogFault> {
    let broken = LogFault::NotConsistent { from, to };
    if from > to {
        return Err(LogFault::Shrunk { from, to });
    }
    if from == to || from == 0 {
        let same = if from == to { from_root == to_root } else { *from_root == Hash::of_empty_tree() };
        return if same && proof.is_empty() { Ok(()) } else { Err(broken) };
    }
    let (first, rest) = match proof {
        _ if from.is_power_of_two() => (*from_root, proof),
        [first, rest @ ..] => (*first, rest),
        [] => return Err(broken),
    };
    let skipped = (from - 1).trailing_ones();
    let (mut node, mut last) = ((from - 1) >> skipped, (to - 1) >> skipped);
    let (mut old, mut new) = (first, first);
    for sibling in rest {
        if last == 0 {
            return Err(broken);
        }
        if node & 1 == 1 || node == last {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new = node_hash(&new, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last == 0 && old == *from_root && new == *to_root { Ok(()) } else { Err(broken) }
}

/// An entry bundle of C2SP tlog-tiles: each leaf after its length in two bytes, big end first.
pub fn encode_entries(leaves: &[impl AsRef<[u8]>]) -> Result<Vec<u8>, LogFault> {
    let mut bytes = Vec::new();
    for (position, leaf) in (0_u64..).zip(leaves) {
        let leaf = leaf.as_ref();
        let length = u16::try_from(leaf.len()).map_err(|_| LogFault::EntriesMalformed { leaf: position })?;
        bytes.extend(length.to_be_bytes());
        bytes.extend(leaf);
    }
    Ok(bytes)
}

/// The leaves of an entry bundle.
pub fn decode_entries(bytes: &[u8]) -> Result<Vec<&[u8]>, LogFault> {
    let mut leaves = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let fault = LogFault::EntriesMalformed { leaf: u64::try_from(leaves.len()).unwrap_or(u64::MAX) };
        let (length, after) = rest.split_first_chunk::<2>().ok_or_else(|| fault.clone())?;
        let (leaf, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(fault)?;
        leaves.push(leaf);
        rest = after;
    }
    Ok(leaves)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    type Store = HashMap<(u8, u64), Vec<u8>>;

    fn store(tiles: Vec<Tile>, into: &mut Store) {
        for tile in tiles {
            assert_eq!(tile.bytes.len(), usize::from(tile.id.width) * 32);
            into.insert((tile.id.level, tile.id.index), tile.bytes);
        }
    }

    fn leaf(n: u64) -> Hash {
        leaf_hash(&n.to_be_bytes())
    }

    fn log_of(size: u64) -> (Tree, Store) {
        let (mut tree, mut tiles) = (Tree::new(), Store::new());
        for n in 0..size {
            tree.append(leaf(n));
        }
        store(tree.take_tiles(), &mut tiles);
        (tree, tiles)
    }

    /// RFC 6962 section 2.1 as it is written, recursively.
    fn plain_root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::of_empty_tree(),
            [one] => *one,
            _ => {
                let (left, right) = leaves.split_at(1 << (leaves.len() - 1).ilog2());
                node_hash(&plain_root(left), &plain_root(right))
            }
        }
    }

    #[test]
    fn roots_are_those_of_the_published_test_tree() {
        // The eight leaves used by implementations of RFC 6962, and the root after each.
        let leaves: [&[u8]; 8] = [
            b"", b"\x00", b"\x10", b"\x20\x21", b"\x30\x31", b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut tree = Tree::new();
        // SHA-256 of nothing
        assert_eq!(tree.root().hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        for (leaf, root) in leaves.iter().zip(roots) {
            tree.append(leaf_hash(leaf));
            assert_eq!(tree.root().hex(), root);
        }
    }

    #[test]
    fn every_leaf_of_every_size_to_300_is_proved_and_nothing_else_is() {
        for size in 1..=300_u64 {
            let (tree, tiles) = log_of(size);
            let leaves: Vec<Hash> = (0..size).map(leaf).collect();
            let root = tree.root();
            assert_eq!(root, plain_root(&leaves), "size {size}");
            let mut prover = Prover::new(size, |l, i| tiles.get(&(l, i)).cloned());
            for index in 0..size {
                let proof = prover.inclusion(index).unwrap();
                assert_eq!(verify_inclusion(&leaf(index), index, size, &proof, &root), Ok(()));
                let other = (index + 1) % size;
                if other != index {
                    assert!(verify_inclusion(&leaf(other), index, size, &proof, &root).is_err());
                    assert!(verify_inclusion(&leaf(index), other, size, &proof, &root).is_err());
                }
                let mut longer = proof.clone();
                longer.push(root);
                assert!(matches!(
                    verify_inclusion(&leaf(index), index, size, &longer, &root),
                    Err(LogFault::ProofLength { .. })
                ));
            }
            assert_eq!(prover.inclusion(size), Err(LogFault::NoSuchLeaf { index: size, size }));
        }
    }

    #[test]
    fn every_pair_of_sizes_to_270_is_consistent_and_another_history_is_not() {
        let leaves: Vec<Hash> = (0..270).map(leaf).collect();
        let (_, tiles) = log_of(270);
        let roots: Vec<Hash> = (0..=270).map(|n| plain_root(&leaves[..n])).collect();
        let root = |n: u64| &roots[usize::try_from(n).unwrap()];
        for new in 0..=270_u64 {
            let mut prover = Prover::new(new, |l, i| tiles.get(&(l, i)).cloned());
            for old in 0..=new {
                let proof = prover.consistency(old).unwrap();
                assert!(proof.len() <= PROOF_MAX_HASHES);
                assert_eq!(verify_consistency(old, root(old), new, root(new), &proof), Ok(()), "{old} {new}");
                assert_eq!(prover.root_at(old).unwrap(), *root(old));
                let forged = Hash::of(b"another history");
                assert!(verify_consistency(old, &forged, new, root(new), &proof).is_err());
                if old > 0 {
                    assert!(verify_consistency(old, root(old), new, &forged, &proof).is_err());
                }
                for cut in 0..proof.len() {
                    assert!(verify_consistency(old, root(old), new, root(new), &proof[..cut]).is_err());
                }
            }
            assert_eq!(prover.consistency(new + 1), Err(LogFault::Shrunk { from: new + 1, to: new }));
        }
    }

    #[test]
    fn a_log_taken_up_from_its_tiles_goes_on_as_if_it_had_never_stopped() {
        let mut whole = Tree::new();
        let mut tiles = Store::new();
        let mut size = 0;
        for step in [1, 254, 1, 1, 255, 256, 70_000, 3] {
            let root = whole.root();
            let mut again = Tree::open(size, &root, |l, i| tiles.get(&(l, i)).cloned()).unwrap();
            for n in size..size + step {
                whole.append(leaf(n));
                again.append(leaf(n));
            }
            size += step;
            store(again.take_tiles(), &mut tiles);
            assert!(again.take_tiles().is_empty());
            assert_eq!((again.size(), again.root()), (whole.size(), whole.root()));
        }
        let mut prover = Prover::new(size, |l, i| tiles.get(&(l, i)).cloned());
        for index in [0, 255, 256, 65_535, 65_536, size - 1] {
            let proof = prover.inclusion(index).unwrap();
            assert_eq!(verify_inclusion(&leaf(index), index, size, &proof, &whole.root()), Ok(()));
        }
    }

    #[test]
    fn a_damaged_store_is_named_and_not_built_upon() {
        let (tree, mut tiles) = log_of(300);
        let open = |tiles: &Store| Tree::open(300, &tree.root(), |l, i| tiles.get(&(l, i)).cloned()).map(|t| t.size());
        assert_eq!(open(&tiles), Ok(300));
        let right = tiles.insert((0, 1), vec![0; 44 * 32]).unwrap();
        assert!(matches!(open(&tiles), Err(LogFault::OtherRoot { .. })));
        tiles.insert((0, 1), right[..43 * 32].to_vec());
        // 300 − 256 = 44 hashes are needed
        assert_eq!(open(&tiles), Err(LogFault::TileTooNarrow { level: 0, index: 1, needed: 44, stored: 43 }));
        tiles.insert((0, 1), right[..right.len() - 1].to_vec());
        assert_eq!(open(&tiles), Err(LogFault::TileMalformed { level: 0, index: 1, bytes: 44 * 32 - 1 }));
        tiles.remove(&(0, 1));
        assert_eq!(open(&tiles), Err(LogFault::TileMissing { level: 0, index: 1 }));
        let mut prover = Prover::new(300, |l, i| tiles.get(&(l, i)).cloned());
        assert_eq!(prover.inclusion(0), Err(LogFault::TileMissing { level: 0, index: 1 }));
    }

    #[test]
    fn paths_are_those_of_tlog_tiles() {
        let path = |level, index, width| TileId { level, index, width }.path();
        assert_eq!(path(0, 0, 256), "tile/0/000");
        assert_eq!(path(1, 999, 17), "tile/1/999.p/17");
        assert_eq!(path(0, 1_234_067, 256), "tile/0/x001/x234/067");
        assert_eq!(TileId { level: 0, index: 1000, width: 1 }.entries_path(), "tile/entries/x001/000.p/1");
    }

    #[test]
    fn entry_bundles_keep_leaves_and_refuse_long_or_cut_ones() {
        let leaves: [&[u8]; 3] = [b"one", b"", b"three"];
        let bytes = encode_entries(&leaves).unwrap();
        assert_eq!(decode_entries(&bytes).unwrap(), leaves);
        assert_eq!(decode_entries(&bytes[..bytes.len() - 1]), Err(LogFault::EntriesMalformed { leaf: 2 }));
        assert_eq!(encode_entries(&[vec![0; LEAF_MAX_BYTES + 1]]), Err(LogFault::EntriesMalformed { leaf: 0 }));
    }

    #[test]
    fn a_hash_has_one_spelling() {
        let hash = leaf(7);
        assert_eq!(Hash::from_hex(&hash.hex()), Some(hash));
        assert_eq!(Hash::from_hex(&hash.hex().to_uppercase()), None);
        assert_eq!(Hash::from_base64(&hash.base64()), Some(hash));
        assert_eq!(Hash::from_base64(hash.base64().trim_end_matches('=')), None);
        // 32 bytes leave two unused bits in the 43rd character; they must be zero: 'A' and 'B' differ in one.
        let zeros = Hash::from_bytes([0; 32]).base64();
        assert_eq!(Hash::from_base64(&format!("{}B=", &zeros[..42])), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_split_of_the_leaves_gives_the_same_tree(steps in prop::collection::vec(0_u64..400, 1..8), pick in any::<u64>()) {
            let (mut tiles, mut size, mut root) = (Store::new(), 0, Hash::of_empty_tree());
            let mut sizes = vec![(0, root)];
            for step in steps {
                let mut tree = Tree::open(size, &root, |l, i| tiles.get(&(l, i)).cloned()).unwrap();
                for n in size..size + step {
                    tree.append(leaf(n));
                }
                store(tree.take_tiles(), &mut tiles);
                (size, root) = (tree.size(), tree.root());
                sizes.push((size, root));
            }
            let leaves: Vec<Hash> = (0..size).map(leaf).collect();
            prop_assert_eq!(root, plain_root(&leaves));
            let mut prover = Prover::new(size, |l, i| tiles.get(&(l, i)).cloned());
            for (old, old_root) in sizes {
                let proof = prover.consistency(old).unwrap();
                prop_assert_eq!(verify_consistency(old, &old_root, size, &root, &proof), Ok(()));
            }
            if size > 0 {
                let index = pick % size;
                let mut proof = prover.inclusion(index).unwrap();
                prop_assert_eq!(verify_inclusion(&leaf(index), index, size, &proof, &root), Ok(()));
                if let Some(hash) = proof.first_mut() {
                    *hash = Hash::of(b"altered");
                    prop_assert_eq!(
                        verify_inclusion(&leaf(index), index, size, &proof, &root),
                        Err(LogFault::NotIncluded { index, size })
                    );
                }
            }
        }

        #[test]
        fn checking_arbitrary_proofs_never_panics(
            index in any::<u64>(), size in any::<u64>(), to in any::<u64>(),
            proof in prop::collection::vec(any::<[u8; 32]>(), 0..70),
        ) {
            let proof: Vec<Hash> = proof.into_iter().map(Hash).collect();
            let root = leaf(0);
            prop_assert!(verify_inclusion(&leaf(1), index, size, &proof, &root).is_err());
            let _ = verify_consistency(size, &root, to, &root, &proof);
            let _ = verify_consistency(index, &root, index.saturating_add(3), &root, &proof);
        }

        #[test]
        fn reading_arbitrary_entry_bundles_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            if let Ok(leaves) = decode_entries(&bytes) {
                prop_assert_eq!(encode_entries(&leaves).unwrap(), bytes);
            }
        }
    }
}
