//! `docs/deviations.md` has all modules that deviate from what they follow.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_module_that_says_that_it_deviates_is_on_the_page_and_every_path_there_exists() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = fs::read_to_string(crates.join("../docs/deviations.md")).unwrap();
    let mut files = Vec::new();
    sources(crates, &mut files);
    let mut count = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let deviates = |line: &str| line.starts_with("//!") && line.contains("Deviation");
        if text.lines().any(deviates) {
            count += 1;
            let path = file.strip_prefix(crates).unwrap().to_str().unwrap().replace('\\', "/");
            assert!(page.contains(&format!("`{path}`")), "{path} is not in docs/deviations.md");
        }
    }
    assert!(count > 10, "{count} modules deviate");
    for path in page.split('`').filter(|word| word.starts_with("ocelli-")) {
        assert!(crates.join(path).is_file(), "docs/deviations.md names {path}");
    }
}
