//! What fake quantization of activations adds to a training step: float, one quantizer and a mixture of three
//! in turns, in one process.
//!
//! ```text
//! cargo run --release -p ocelli-nn --example quantize_step -- ghostnet_small:128x32 10
//! ```
//!
//! prints for each the least and the median milliseconds of a step, and the median of its ratios to the float
//! step beside it: what other programs do to the machine meets all of them.

#![expect(clippy::print_stdout, reason = "a measurement is printed")]

use burn::tensor::{Device, Tensor, TensorData};
use ocelli_nn::graph::QuantizerSettings;
use ocelli_nn::registry::{self, ModelOptions};
use ocelli_nn::{Error, Given, GradientEngine, Gradients, Network, Pass, TrainPass, Wanted};
use ocelli_random::Seed;
use std::time::Instant;

/// The quantizers of each form.
const FORMS: [&[&str]; 4] =
    [&["float"], &["min_max:8"], &["min_max:2", "min_max:4", "min_max:8"], &["pact:2"]];

/// A form of the network, with its memory.
struct Form {
    network: Network,
    engine: GradientEngine,
    gradients: Gradients,
    times: Vec<f64>,
}

impl Form {
    fn new(float: &Network, quantizers: &[&str]) -> Result<Self, Error> {
        let quantizers: Result<_, _> = quantizers.iter().map(|text| text.parse()).collect();
        let settings = QuantizerSettings::new(quantizers?);
        let network = float.with_graph(float.graph().with_quantizers(&settings, |_| true)?)?;
        let (engine, gradients) = (GradientEngine::new(), Gradients::new());
        Ok(Self { network, engine, gradients, times: Vec::new() })
    }

    /// Forward and backward, and what moves after each step.
    fn step(&mut self, images: &Tensor<4>) -> Result<f64, Error> {
        let graph = self.network.graph();
        let route = graph.with_attention(&graph.classify())?;
        let batch = images.dims()[0];
        let mut given = vec![Given::Planes(images.clone())];
        for _ in graph.attention() {
            let data = TensorData::new([0.5_f32, 0.3, 0.2].repeat(batch), [batch, 3, 1, 1]);
            given.push(Given::Planes(Tensor::from_data(data, &Device::flex())));
        }
        let wanted = if given.len() > 1 { Wanted::BOTH } else { Wanted::PARAMS };
        let start = Instant::now();
        let mut pass = TrainPass::new(Seed(0), 0, 0);
        let pass_mode = Pass::Train(&mut pass);
        let taped = self.engine.forward(&self.network, &route, given, wanted, pass_mode)?;
        self.gradients.clear();
        let gradient = taped.value(0).mul_scalar(1e-3);
        taped.backward(vec![Some(gradient)], &mut self.gradients);
        self.network.apply_batch_stats(pass.stats())?;
        Ok(start.elapsed().as_secs_f64() * 1e3)
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let case = arguments.first().map_or("ghostnet_small:8x32", String::as_str);
    let repeats: usize = arguments.get(1).map_or(Ok(1), |text| text.parse())?;
    let (name, shape) = case.split_once(':').ok_or("the case has the form MODEL:BATCHxSIZE")?;
    let (batch, size) = shape.split_once('x').ok_or("the case has the form MODEL:BATCHxSIZE")?;
    let (batch, size): (usize, usize) = (batch.parse()?, size.parse()?);
    let model = registry::find(name)?;
    let options = ModelOptions { drop_path: Some(0.0), dropout: Some(0.0), ..model.options() };
    let float = model.network(&options, Seed(0), &Device::flex())?;
    let length = batch * 3 * size * size;
    let values: Vec<f32> = (0..length).map(|place| (place % 251) as f32 / 125.0 - 1.0).collect();
    let images =
        Tensor::from_data(TensorData::new(values, [batch, 3, size, size]), &Device::flex());
    let mut forms: Vec<Form> =
        FORMS.iter().map(|form| Form::new(&float, form)).collect::<Result<_, _>>()?;
    for round in 0..repeats + 2 {
        for form in &mut forms {
            let time = form.step(&images)?;
            // Two steps fill memory and ranges.
            if round >= 2 {
                form.times.push(time);
            }
        }
    }
    let float = forms[0].times.clone();
    for (form, quantizers) in forms.iter_mut().zip(FORMS) {
        let mut ratios: Vec<f64> =
            form.times.iter().zip(&float).map(|(time, float)| time / float).collect();
        let ratio = median(&mut ratios);
        let middle = median(&mut form.times);
        let least = form.times.first().copied().unwrap_or_default();
        println!(
            "{least:8.2} ms least, {middle:8.2} ms median, {ratio:.3} × float: {quantizers:?}"
        );
    }
    Ok(())
}
