//! Results of this project and of others: their rows, and the pages that quote them.

use crate::support::{ocelli, outcome, run_in};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

#[test]
fn every_row_of_the_results_is_whole_and_every_quoted_figure_has_one() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../results");
    let report = ocelli::results::check(&folder).unwrap();
    let lines = report
        .problems
        .iter()
        .map(|problem| format!("{}:{}: {}", problem.file.display(), problem.line, problem.message));
    let lines: Vec<String> = lines.collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
    assert!(report.files >= 20 && report.figures >= 100, "{report:?}");
}

/// A project with a row and a page.
fn project(row: &str, page: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let results = folder.path().join("results");
    fs::create_dir(&results).unwrap();
    let head = "date,machine,command,commit,seed,model,rate\n";
    fs::write(results.join("a.csv"), format!("{head}{row}\n")).unwrap();
    fs::write(folder.path().join("README.md"), page).unwrap();
    folder
}

const ROW: &str = "2026-11-30,two cores,ocelli eval,0123abc,-,lenet,0.524";

#[test]
fn what_a_page_quotes_is_compared_with_the_row() {
    let page = "It is right in 52.4 % (`results/a.csv`).\n\
                <!-- result: a.csv model=lenet rate~52.4% -->\n";
    let folder = project(ROW, page);
    let outcome = run_in(folder.path(), "results check").success();
    assert_eq!(outcome.stdout, "1 rows in 1 files, 1 figures on 1 pages\n");

    let table = "Of `results/a.csv`:\n\n| rate |\n| --- |\n| 52.4 % |\n\n\
                 <!-- result: a.csv rate~52.4% -->\n";
    run_in(project(ROW, table).path(), "results check").success();

    for (row, page, problem) in [
        (
            ROW,
            page.replace("in 52.4", "in 53.4"),
            "README.md:2: 52.4 is marked, and does not stand beside it",
        ),
        (
            ROW,
            page.replace("52.4", "52.5"),
            "README.md:2: `rate` is 52.4000, which does not round to 52.5",
        ),
        (ROW, page.replace("lenet", "vgg"), "README.md:2: no row of a.csv is model=vgg"),
        (ROW, page.replace(" a.csv", " b.csv"), "README.md:2: there is no results/b.csv"),
        (ROW, "See results/a.csv.".to_owned(), "README.md:1: results/a.csv is named here"),
        (
            &ROW.replace("0123abc", ""),
            page.to_owned(),
            "results/a.csv:2: commit ``, expected the hash",
        ),
        (
            &ROW.replace("eval", "eval --pixels 1,3,5"),
            page.to_owned(),
            "results/a.csv:2: CSV error",
        ),
    ] {
        let folder = project(row, &page);
        let outcome = run_in(folder.path(), "results check");
        assert!(outcome.stdout.contains(problem), "{problem}: {}", outcome.stdout);
        outcome.bad_input();
    }
}

#[test]
fn rows_are_added_with_their_circumstances() {
    let folder = TempDir::new().unwrap();
    let command = "command=eval --pixels 1,3,5";
    let add = |words: &[&str]| {
        let mut command = ocelli(["results", "add", "b.csv"]);
        outcome(command.args(words).current_dir(folder.path()).output().unwrap())
    };
    add(&[command, "rate=0.5", "--seed", "3"]).success();
    add(&[command, "rate=0.6", "seed=-"]).success();
    let text = fs::read_to_string(folder.path().join("b.csv")).unwrap();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.starts_with("date,machine,command,commit,seed,rate\n"), "{text}");
    assert!(text.contains(",\"eval --pixels 1,3,5\","), "{text}");
    assert!(text.ends_with(",-,0.6\n"), "{text}");
    assert!(add(&[command, "rate=0.7"]).bad_input().contains("no value for `seed`"));
    assert_eq!(add(&["rate"]).code, Some(2));
}
