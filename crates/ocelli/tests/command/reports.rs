//! Pages of grids, searches and attacks beside those of runs.

use crate::support::{CommandOutcome, run_in};
use crate::tiny;
use std::fs;
use std::path::Path;

#[track_caller]
fn assert_hinted(outcome: &CommandOutcome, message: &str, hint: &str) {
    assert_eq!(outcome.bad_input(), message);
    assert!(outcome.stderr.contains(hint), "`{hint}` in: {}", outcome.stderr);
}

/// A page that needs nothing from outside.
#[track_caller]
fn page(root: &Path, file: &str) -> String {
    let html = fs::read_to_string(root.join(file)).unwrap();
    let outside = html.replace("http://www.w3.org/2000/svg", "");
    for forbidden in ["http", "<script", "<link"] {
        assert!(!outside.contains(forbidden), "{forbidden}");
    }
    html
}

#[test]
fn a_grid_is_a_page_of_all_its_runs() {
    let folder = tiny::folder();
    let root = folder.path();
    let line = "train tiny.toml --grid seed=0,1 --grid optimizer.lr=0.05,1e9 --out grid";
    run_in(root, &format!("{line} --max-steps 4"));
    let json = run_in(root, "report grid --json").success().json();
    assert_eq!((&json["of"], &json["report"]), (&"grid".into(), &"grid/report.html".into()));
    let html = page(root, "grid/report.html");
    assert!(html.contains("a grid of seed, optimizer.lr"), "{html}");
    // In the legends of three figures, and nowhere else.
    assert!(html.matches("seed=1,lr=0.05").count() >= 2, "{html}");
    assert_eq!(html.matches("<tr><td>").count(), 4, "a row for each run");
    assert!(html.contains("--max-steps 4"), "the command");
    // The page does not keep the grid from going on, nor do folders that were moved.
    run_in(root, &format!("{line} --max-steps 5"));
    fs::rename(root.join("grid"), root.join("moved")).unwrap();
    run_in(root, "report moved --out page.html").success();
    assert!(page(root, "page.html").contains("seed=1,lr=0.05"));
}

#[test]
fn a_search_is_a_page_of_all_trials() {
    let folder = crate::search::folder();
    let root = folder.path();
    run_in(root, "search search.toml --out found --trials 2").success();
    let json = run_in(root, "report found --json").success().json();
    assert_eq!(json["of"], "search");
    let html = page(root, "found/report.html");
    assert_eq!(html.matches("Fk3e1×1 Mk3e4×2").count(), 1, "the backbone");
    assert!(html.contains("best so far") && html.contains("[search]"), "{html}");
    fs::remove_file(root.join("found/trials.csv")).unwrap();
    assert_hinted(
        &run_in(root, "report found"),
        "found/trials.csv: the search has not ended and has no table",
        "`ocelli search --resume found`",
    );
}

#[test]
fn the_page_of_an_attack_is_its_own() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out run").success();
    let line =
        "attack one-pixel run --images 2 --population 4 --generations 1 --untargeted --out attack";
    run_in(root, line).success();
    let written = page(root, "attack/report.html");
    let json = run_in(root, "report attack --json").success().json();
    assert_eq!((&json["of"], &json["report"]), (&"attack".into(), &"attack/report.html".into()));
    assert_eq!(page(root, "attack/report.html"), written, "with its pictures");
    run_in(root, "report attack --out page.html").success();
    assert_eq!(page(root, "page.html"), written);
    fs::remove_file(root.join("attack/report.html")).unwrap();
    assert_hinted(
        &run_in(root, "report attack"),
        "attack/report.html: the attack has not written its page",
        "`ocelli attack one-pixel --resume attack`",
    );
}

#[test]
fn what_is_nothing_of_this_is_refused_with_what_would_be() {
    let folder = tiny::folder();
    fs::create_dir(folder.path().join("photos")).unwrap();
    assert_hinted(
        &run_in(folder.path(), "report photos"),
        "photos: no run, grid, search or attack",
        "hint: name the folder that `ocelli train`",
    );
}

#[test]
fn a_grid_whose_table_is_empty_or_cut_makes_no_page() {
    let folder = tiny::folder();
    let root = folder.path();
    fs::create_dir(root.join("grid")).unwrap();
    for content in ["", "date,machine\n", "date,machine\nonly-one"] {
        fs::write(root.join("grid/grid.csv"), content).unwrap();
        let refused = run_in(root, "report grid");
        assert!(refused.bad_input().contains("grid.csv"), "{}", refused.stderr);
        assert!(!root.join("grid/report.html").exists());
    }
}
