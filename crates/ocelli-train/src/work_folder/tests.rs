use super::*;

#[test]
fn several_at_once_get_folders_of_their_own() {
    let root = tempfile::tempdir().unwrap();
    let parent = root.path().join("runs");
    let claim = || WorkFolder::claim_unused(&parent, "default").unwrap();
    let mut claimed = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(claim)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    claimed.sort();
    claimed.dedup();
    assert_eq!(claimed.len(), 16);
    assert!(WorkFolder::unused_path(&parent, "default").ends_with("default-17"));
}

#[test]
fn a_named_folder_is_made_late_and_never_removed() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a/b");
    let folder = WorkFolder::New(path.clone()).claim().unwrap();
    assert!(!folder.is_begun() && !path.exists());
    folder.make().unwrap();
    folder.give_up();
    assert!(path.is_dir(), "it was not made by the claim");
    let begun = WorkFolder::Begun(path.clone()).claim().unwrap();
    assert!(begun.is_begun());
    begun.give_up();
    assert_eq!((begun.path(), path.is_dir()), (&*path, true));
}

#[test]
fn only_what_the_claim_has_made_is_given_up() {
    let root = tempfile::tempdir().unwrap();
    let path = WorkFolder::claim_unused(root.path(), "search").unwrap();
    let folder = ClaimedFolder { path, is_begun: false, is_made: true };
    let work = folder.path().join("ledger.jsonl");
    fs::write(&work, "").unwrap();
    folder.give_up();
    assert!(work.exists(), "what a work has begun stays");
    fs::remove_file(work).unwrap();
    folder.give_up();
    assert!(!folder.path().exists());
}

#[test]
fn a_lock_is_held_by_one_until_its_file_is_closed() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("log.txt");
    let first = File::create(&path).unwrap();
    assert_eq!(Lock::try_on(&first).unwrap(), Lock::Ours);
    let second = File::open(&path).unwrap();
    assert_eq!(Lock::try_on(&second).unwrap(), Lock::Taken);
    drop(first);
    assert_eq!(Lock::try_on(&second).unwrap(), Lock::Ours);
}
