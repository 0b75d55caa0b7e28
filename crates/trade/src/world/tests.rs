use super::*;

#[test]
fn what_a_refused_command_put_is_taken_back_to_the_letter() {
    let mut slice: Slice<u8, &str> = Slice::new("thing");
    slice.load(1, Some("one"));
    slice.load(2, None);
    slice.put(1, "changed");
    slice.keep();
    slice.put(1, "again");
    slice.put(2, "two");
    slice.put(3, "never named");
    slice.take_back();
    assert_eq!(slice.get(&1), Some(&"changed"));
    assert_eq!(slice.get(&2), None);
    assert!(!slice.knows(&3));
    assert_eq!(slice.take_changed(), [(1, Arc::new("changed"))]);
    assert_eq!((slice.take_changed(), slice.get(&1)), (vec![], Some(&"changed")));
}

#[test]
fn what_was_named_longest_ago_is_forgotten_first_and_nothing_that_is_under_way() {
    let mut slice: Slice<u8, u8> = Slice::new("thing");
    // Batches 0, 1, 2, 3 load one thing each; the last names the first again.
    for key in 0..4 {
        slice.load(key, Some(key));
        if key == 3 {
            assert!(!slice.lacks(&0));
        }
        slice.take_changed();
    }
    let kept = |slice: &Slice<u8, u8>| (0..4).filter(|key| slice.knows(key)).collect::<Vec<_>>();
    slice.forget(2);
    assert_eq!(kept(&slice), [0, 2, 3]);
    slice.forget(3);
    assert_eq!(kept(&slice), [0, 3]);
}
