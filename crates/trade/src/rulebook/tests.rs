use super::*;

#[test]
fn the_packs_of_this_repository_load() {
    let errors: Vec<String> = builtin().err().into_iter().flatten().map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}
