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
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
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
