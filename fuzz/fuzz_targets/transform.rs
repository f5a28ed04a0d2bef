//! Whatever the bytes are, an image file is transformed or refused, without panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ocelli_data::{
    EvalConfig, EvalTransform, InputConfig, Payload, Scratch, TrainConfig, TrainTransform,
    Transform,
};
use ocelli_random::{Purpose, Seed};

fuzz_target!(|bytes: &[u8]| {
    let input = InputConfig { size: 16, ..InputConfig::default() };
    let trained = TrainTransform::new(input.clone(), TrainConfig::default()).unwrap();
    let evaluated = EvalTransform::new(input, EvalConfig::default()).unwrap();
    let picture = Payload::Encoded(bytes.to_vec());
    let (mut scratch, mut output) = (Scratch::default(), vec![0.0; 3 * 16 * 16]);
    let transforms: [&dyn Transform; 2] = [&trained, &evaluated];
    for transform in transforms {
        let mut random = Seed(0).stream(Purpose::AUGMENT, 0, 0);
        let _ = transform.apply(&picture, &mut random, &mut scratch, &mut output);
    }
});
