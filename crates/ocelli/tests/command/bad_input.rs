//! Everything that a user can get wrong: exit code 3, and one line that names the file or field.

use crate::support::run;

#[test]
fn a_dataset_that_does_not_exist_is_named() {
    let message = run("data list no/such/folder").bad_input().to_owned();
    assert!(message.starts_with("no/such/folder: "), "{message}");
}
