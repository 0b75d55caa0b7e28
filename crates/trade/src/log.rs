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
pub fn verify_consistency(
    from: u64,
    from_root: &Hash,
    to: u64,
    to_root: &Hash,
    proof: &[Hash],
) -> Result<(), LogFault> {
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
mod tests;
