//! A section of a recipe chooses the method, from the text to a run that is resumed.

use ocelli_data::augment::Mix;
use ocelli_data::{LoaderConfig, Source};
use ocelli_nn::registry::ModelOptions;
use ocelli_nn::weights::{ReadOptions, StateDict};
use ocelli_nn::{Gradients, Network};
use ocelli_train::grid::Grid;
use ocelli_train::recipe::MethodSection;
use ocelli_train::{
    Error, Examiner, ExaminerSetup, Local, MODEL, Machine, Method, MethodConfig, MethodKind,
    Methods, MetricsLog, Neighbours, Recipe, Result, RunFolder, Setup, Step, StepOutput, Summary,
    TrainOutcome, Trained, Trainer, TrainerParts, Voting,
};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use tempfile::TempDir;

/// `[constant]`: every element moves up by the same amount in each step, whatever the pictures are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct ConstantSection {
    /// The gradient of every element.
    gradient: f32,
    /// How many values the network gives.
    outputs: usize,
}

impl Default for ConstantSection {
    fn default() -> Self {
        Self { gradient: -1.0, outputs: 5 }
    }
}

struct ConstantKind(&'static str);

impl MethodKind for ConstantKind {
    fn section(&self) -> &'static str {
        self.0
    }

    fn read(&self, section: &MethodSection) -> Result<Box<dyn MethodConfig>> {
        let fields: ConstantSection = section.read()?;
        if !fields.gradient.is_finite() {
            return Err(section.refuse("gradient", &fields.gradient, "a number"));
        }
        Ok(Box::new(ConstantConfig(self.0, fields)))
    }
}

/// A section that was checked.
struct ConstantConfig(&'static str, ConstantSection);

impl MethodConfig for ConstantConfig {
    fn section(&self) -> Result<Option<MethodSection>> {
        MethodSection::new(self.0, &self.1).map(Some)
    }

    fn model_options(&self, options: ModelOptions) -> ModelOptions {
        ModelOptions { num_classes: self.1.outputs, ..options }
    }

    fn loader(
        &self,
        config: LoaderConfig,
        parts: usize,
        source: &dyn Source,
    ) -> Result<LoaderConfig> {
        assert!(parts == 1 && !source.is_empty());
        Ok(LoaderConfig { mix: Mix::default(), ..config })
    }

    fn classifies(&self) -> bool {
        false
    }

    fn needs_classes(&self) -> bool {
        false
    }

    fn method(&self) -> Result<Box<dyn Method>> {
        Ok(Box::new(Constant(self.1.gradient)))
    }

    fn examiners(&self, setup: &ExaminerSetup<'_>) -> Result<Vec<Box<dyn Examiner>>> {
        let [bank, queries] = setup.probe()?;
        Ok(vec![Box::new(Neighbours::new(bank, queries, Voting::default()))])
    }
}

struct Constant(f32);

impl Method for Constant {
    fn check(&self, _: &Network, data: &dyn Source) -> Result<()> {
        if data.is_empty() { Err(Error::Method("no pictures".into())) } else { Ok(()) }
    }

    fn step(&mut self, mut step: Step<'_>, gradients: &mut Gradients) -> Result<StepOutput> {
        let mut output = StepOutput::default();
        while let Some(part) = step.parts.next_part()? {
            output.add(&part, 1.0, &[("constant", f64::from(self.0))], Vec::new());
        }
        for (id, entry) in step.network.params().iter().filter(|(_, entry)| entry.is_trainable()) {
            gradients.set(id, entry.value().zeros_like().add_scalar(self.0));
        }
        Ok(output)
    }
}

static CONSTANT: Methods = Methods::new(&[&ConstantKind("constant"), &ConstantKind("other")]);

const TEXT: &str = "
    [model]
    name = 'resnet20_cifar'
    [input]
    size = 8
    channels = 1
    mean = [0.5]
    std = [0.5]
    [data]
    source = 'builtin:fashion-mnist'
    [optimizer]
    momentum = 0.0
    weight_decay = 0.0
    lr = 0.001
    [schedule]
    kind = 'constant'
    warmup = '0 steps'
    [train]
    epochs = 1
    batch_size = 256
    max_steps = 3
    [constant]
    gradient = -2.0";

fn resolve(overrides: &[&str]) -> Result<Recipe> {
    CONSTANT.resolve("test.toml", TEXT, overrides)
}

fn train(recipe: &Recipe, folder: &Path) -> Result<Summary> {
    let Setup { network, train, mut method, examiners, metadata, .. } =
        Setup::with(recipe, CONSTANT, &Machine::cpu(2))?;
    let mut run = match RunFolder::open(folder) {
        Ok((run, begun)) => {
            assert_eq!(begun.method, recipe.method, "the run's own recipe has the section");
            run
        }
        Err(_) => RunFolder::create(folder, recipe)?,
    };
    let parts = TrainerParts {
        recipe,
        network,
        method: &mut *method,
        train: &train,
        examiners,
        run: &mut run,
        metadata,
        group: &Local,
        observer: &mut (),
        stop: &AtomicBool::new(false),
    };
    Trainer::new(parts)?.run()
}

fn refused(overrides: &[&str]) -> String {
    resolve(overrides).err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn a_section_is_checked_completed_and_written_with_the_recipe() {
    let recipe = resolve(&["constant.gradient=-0.5"]).unwrap();
    let section = ConstantSection { gradient: -0.5, outputs: 5 };
    assert_eq!(recipe.method.as_ref().unwrap().read::<ConstantSection>().unwrap(), section);
    let text = recipe.to_toml().unwrap();
    assert!(text.contains("[constant]\ngradient = -0.5\noutputs = 5\n"), "every field: {text}");
    let again = CONSTANT.resolve::<&str>("again", &text, &[]).unwrap();
    assert_eq!(again, recipe);
    assert_eq!(CONSTANT.resolve::<&str>("none", "", &[]).unwrap().method, None);

    assert_eq!(
        refused(&["constant.gradient=nan"]),
        "`constant.gradient` is NaN, expected a number"
    );
    assert_eq!(
        refused(&["constant.gradent=1"]),
        "unknown key `constant.gradent`; did you mean `constant.gradient`?"
    );
    assert_eq!(refused(&["constant=3"]), "`constant` is 3, expected a table");
}

#[test]
fn a_section_that_no_method_has_is_an_unknown_key() {
    let strict = |text: &str| Recipe::resolve::<&str>("test", text, &[]).unwrap_err().to_string();
    assert_eq!(strict("[constant]\ngradient = 1.0"), "unknown key `constant.gradient`");
    assert_eq!(
        refused(&["constnt.gradient=1"]),
        "unknown key `constnt.gradient`; did you mean `constant.gradient`?"
    );
    assert_eq!(
        refused(&["optimiser.lr=1"]),
        "unknown key `optimiser.lr`; did you mean `optimizer.lr`?"
    );
    assert_eq!(
        refused(&["other.outputs=1"]),
        "`other` is a second method beside `constant`, expected a single one"
    );
    // A recipe that one command has is read by another, which says what it does not know.
    let recipe = resolve(&[]).unwrap();
    let error = Methods::default().config(&recipe).err().unwrap().to_string();
    assert!(error.starts_with("unknown key `constant."), "{error}");
    let error = Setup::new(&recipe, &Machine::cpu(1)).err().unwrap().to_string();
    assert!(error.starts_with("unknown key `constant."), "{error}");
}

#[test]
fn a_run_of_a_method_is_trained_resumed_scored_and_opened() {
    let (whole, parts) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let recipe = resolve(&[]).unwrap();
    let summary = train(&recipe, whole.path()).unwrap();
    assert_eq!((summary.outcome, summary.state.step), (TrainOutcome::LimitReached, 3));
    let best = summary.state.best.as_ref().unwrap();
    assert_eq!((best.score.meaning.as_str(), best.score.samples), ("kNN top-1", 2000));
    assert_eq!((best.top1(), summary.evaluation.is_none()), (None, true));
    let rows = MetricsLog::read(&RunFolder::metrics_path(whole.path())).unwrap();
    assert_eq!(rows.last().unwrap().values["knn/top1"], best.score.share());

    let short = resolve(&["train.max_steps=1"]).unwrap();
    train(&short, parts.path()).unwrap();
    let begun = RunFolder::recipe(parts.path()).unwrap();
    let resumed = CONSTANT.resume(&begun, &["train.max_steps=3"]).unwrap();
    let resumed = train(&resumed, parts.path()).unwrap();
    let model = |summary: &Summary| summary.checkpoint.as_ref().unwrap().file(MODEL);
    let bytes = |summary: &Summary| std::fs::read(model(summary)).unwrap();
    assert!(bytes(&resumed) == bytes(&summary), "to the bit");
    let error = CONSTANT.resume(&begun, &["constant.gradient=1.0"]).unwrap_err().to_string();
    assert_eq!(error, "the run was begun with constant.gradient -2.0, now it is 1.0");
    assert!(CONSTANT.resume(&begun, &["other.outputs=1"]).is_err());

    let trained = Trained::open(whole.path(), None, &Machine::cpu(1).device).unwrap();
    assert_eq!(trained.network.graph().num_classes(), 5, "as the method wants it");
    assert_eq!(trained.classes, None, "its outputs are no classes");
    let mut examiners = Setup::examiners(&recipe, CONSTANT, &Machine::cpu(2)).unwrap();
    let examined = examiners[0].examine(&trained.network, &Local, &mut |_, _| {}).unwrap();
    assert_eq!(examined.score.as_ref(), Some(&best.score), "what a run scored is scored again");
    let again = train(&recipe, whole.path()).unwrap();
    assert_eq!((again.state.step, again.score), (3, examined.score), "it has ended");
    // Three steps of 0.001 · 2 up, from where the network began.
    let before = Setup::with(&recipe, CONSTANT, &Machine::cpu(1)).unwrap().network;
    let dict = StateDict::open(&model(&summary), &ReadOptions::default()).unwrap();
    let (id, entry) = before.params().iter().next().unwrap();
    let after = dict.get(&entry.spec.name).unwrap().values().unwrap();
    for (before, after) in before.params().to_values(id).iter().zip(after) {
        assert!((after - before - 0.006).abs() < 1e-6, "{before} to {after}");
    }
}

#[test]
fn a_field_of_a_section_is_an_axis_of_a_grid_and_decides_the_cost() {
    let axes = ["constant.outputs=2,7".parse().unwrap()];
    let grid = Grid::new::<&str>("test", TEXT, &[], &axes, None).unwrap().with_methods(CONSTANT);
    let cells = grid.cells().unwrap();
    let names: Vec<&str> = cells.iter().map(|cell| cell.name.as_str()).collect();
    assert_eq!(names, ["outputs=2", "outputs=7"]);
    let params = |at: usize| CONSTANT.cost(cells[at].recipe.as_ref().unwrap(), 10).unwrap().params;
    assert_eq!(params(1) - params(0), 5 * 65, "five outputs more, each of 64 weights and a bias");
    let strict = Grid::new::<&str>("test", TEXT, &[], &axes, None).unwrap().cells().unwrap();
    assert!(strict[0].recipe.is_err());
}
