use super::*;

#[test]
fn defaults_are_valid() {
    InputConfig::default().check().unwrap();
    EvalConfig::default().check().unwrap();
    let all = TrainConfig {
        rand_augment: Some(RandAugment::default()),
        colour_jitter: Some(ColourJitter::default()),
        blur: Some(GaussianBlur::default()),
        erasing: Some(RandomErasing::default()),
        ..TrainConfig::default()
    };
    all.check().unwrap();
}

#[test]
fn wrong_settings_are_refused_by_name() {
    let input = InputConfig::default;
    let train = TrainConfig::default;
    let crop = RandomResizedCrop { scale: [0.9, 0.2], ..RandomResizedCrop::default() };
    for (checked, message) in [
        (
            InputConfig { size: 0, ..input() }.check(),
            "`input.size` is 0 pixels, expected 1 to 8192",
        ),
        (InputConfig { channels: 2, ..input() }.check(), "`input.channels` is 2"),
        (InputConfig { channels: 1, ..input() }.check(), "`input.mean` has 3 numbers"),
        (InputConfig { std: vec![0.0], ..input() }.check(), "`input.std` holds 0"),
        (EvalConfig { crop_pct: 1.5, ..EvalConfig::default() }.check(), "`eval.crop_pct` is 1.5"),
        (TrainConfig { flip: -0.1, ..train() }.check(), "`augment.flip` is -0.1, expected 0 to 1"),
        (
            TrainConfig { crop: TrainCrop::RandomResized(crop), ..train() }.check(),
            "`augment.crop.random_resized.scale` is [0.9, 0.2]",
        ),
    ] {
        let error = checked.unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn recipes_say_only_what_differs_and_unknown_keys_are_refused() {
    let config: TrainConfig = serde_json::from_str(
        r#"{"crop": {"random_resized": {"scale": [0.2, 1.0]}}, "rand_augment": {"magnitude": 5}}"#,
    )
    .unwrap();
    let TrainCrop::RandomResized(crop) = config.crop else { panic!("{config:?}") };
    assert_eq!((crop.scale, crop.ratio), ([0.2, 1.0], [3.0 / 4.0, 4.0 / 3.0]));
    assert_eq!(config.rand_augment.unwrap().layers, 2);
    assert_eq!(config.flip, 0.5);
    let squash: TrainConfig = serde_json::from_str(r#"{"crop": "squash"}"#).unwrap();
    assert_eq!(squash.crop, TrainCrop::Squash);
    let unknown = serde_json::from_str::<TrainConfig>(r#"{"flipp": 1.0}"#).unwrap_err();
    assert!(unknown.to_string().contains("flipp"));
    let text = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<TrainConfig>(&text).unwrap(), config);
}

#[test]
fn bytes_are_scaled_as_by_mean_and_deviation() {
    let input = InputConfig { mean: vec![0.5], std: vec![0.25], ..InputConfig::default() };
    for (scale, offset) in input.scale_and_offset() {
        assert!((255.0 * scale + offset - 2.0).abs() < 1e-6);
        assert!((offset + 2.0).abs() < 1e-6);
    }
}
