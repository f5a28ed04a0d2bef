use super::*;

const NONE: &[&str] = &[];

fn axes(texts: &[&str]) -> Vec<Axis> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn grid(text: &str, texts: &[&str]) -> Grid {
    Grid::new("test", text, NONE, &axes(texts), None).unwrap()
}

fn names(grid: &Grid) -> Vec<String> {
    grid.cells().unwrap().into_iter().map(|cell| cell.name).collect()
}

#[test]
fn a_product_has_every_combination_once() {
    let grid = grid("", &["model.ghost.ratio=2,3", "seed=0,1,1"]);
    assert_eq!(grid.keys(), ["model.ghost.ratio", "seed"]);
    assert_eq!(
        names(&grid),
        ["ratio=2,seed=0", "ratio=2,seed=1", "ratio=3,seed=0", "ratio=3,seed=1"]
    );
    let recipe = grid.cells().unwrap().pop().unwrap().recipe.unwrap();
    assert_eq!((recipe.model.ghost.unwrap().ratio, recipe.seed), (3, 1));
}

#[test]
fn several_products_are_put_together_with_the_recipes_values_between_them() {
    let text = "
        [model.ghost]
        ratio = 2
        cheap_kernel = 3
        [[grid]]
        model.ghost.cheap_kernel = [1, 3, 5]
        [[grid]]
        model.ghost.ratio = [2, 4]";
    assert_eq!(
        names(&grid(text, &[])),
        [
            "cheap_kernel=1,ratio=2",
            "cheap_kernel=3,ratio=2",
            "cheap_kernel=5,ratio=2",
            "cheap_kernel=3,ratio=4"
        ]
    );
    let more = grid(text, &["seed=0,1", "model.ghost.ratio=3"]);
    let names = names(&more);
    assert_eq!(names[..2], ["cheap_kernel=1,seed=0,ratio=3", "cheap_kernel=1,seed=1,ratio=3"]);
    assert_eq!(names.len(), 6, "the command line's ratio is the only one: {names:?}");
}

#[test]
fn words_lists_and_names_are_values_too() {
    let grid =
        grid("", &["model.name=resnet20_cifar,ghostnet_small", "input.mean=[0.5],[0.1, 0.2, 0.3]"]);
    let cells = grid.cells().unwrap();
    let recipe = |at: usize| cells[at].recipe.as_ref().unwrap();
    assert_eq!(recipe(0).model.name, "resnet20_cifar");
    assert_eq!(recipe(1).input.mean, [0.1, 0.2, 0.3]);
    assert_eq!(recipe(2).model.name, "ghostnet_small");
}

#[test]
fn names_fit_for_folders_stay_different() {
    let odd = names(&grid("", &["data.source=a/b,a-b,a b"]));
    assert!(odd.iter().all(|name| !name.contains(['/', ' '])), "{odd:?}");
    assert_eq!(odd.len(), 3);
    let long = names(&grid("", &[&format!("data.source={},b", "x".repeat(500))]));
    assert!(long[0].len() < 140 && long.len() == 2);
    let same_last_part = ["schedule.decay=0.1,0.2", "ema.decay=0.9"];
    assert_eq!(names(&grid("", &same_last_part))[0], "schedule.decay=0.1,ema.decay=0.9");
}

#[test]
fn a_recipe_without_axes_is_one_cell() {
    let grid = grid("seed = 3", &[]);
    assert!(grid.is_single());
    let cells = grid.cells().unwrap();
    assert_eq!((cells.len(), cells[0].name.as_str()), (1, "run"));
    assert_eq!(cells[0].recipe.as_ref().unwrap().seed, 3);
}

#[test]
fn a_value_that_cannot_be_spoils_its_own_cell_alone() {
    let grid = grid("", &["train.epochs=0,1"]);
    let cells = grid.cells().unwrap();
    let message = cells[0].recipe.as_ref().unwrap_err().to_string();
    assert_eq!(message, "`train.epochs` is 0, expected 1 or more");
    assert!(cells[1].recipe.is_ok());
}

#[test]
fn malformed_axes_are_named() {
    let refuse = |text: &str| text.parse::<Axis>().unwrap_err().to_string();
    for text in ["seed", "=1", "seed=", ".seed=1", "a..b=1", "seed=,"] {
        assert!(refuse(text).contains(&format!("`{text}`")), "{text}: {}", refuse(text));
    }
    let refuse = |text: &str| Grid::new("test", text, NONE, &[], None).unwrap_err().to_string();
    assert_eq!(refuse("grid = 3"), "`grid` is 3, expected a table of fields with lists of values");
    assert_eq!(refuse("[grid]\nseed = []"), "grid `seed`: expected one value or more");
    let values = (0..100).map(|number: u32| number.to_string()).collect::<Vec<_>>().join(",");
    let large = axes(&[&format!("seed={values}"), &format!("train.epochs={values}")]);
    let large = Grid::new("test", "", NONE, &large, None).unwrap();
    assert!(large.cells().unwrap_err().to_string().contains("10000 trainings"));
}
