use super::*;
use crate::{
    init::Initializer,
    weights::{DType, WeightsError},
};

fn param(name: &str, shape: &[usize], role: Role) -> ParamSpec {
    let (name, shape) = (name.to_owned(), shape.to_vec());
    ParamSpec { name, shape, role, initializer: Initializer::Constant(0.0) }
}

fn dict(tensors: &[(&str, &[usize])]) -> Result<StateDict, WeightsError> {
    let mut dict = StateDict::new();
    for (name, shape) in tensors {
        let values = (0..shape.iter().product::<usize>()).map(|value| value as f32).collect();
        dict.push(TensorEntry::new(*name, DType::F32, shape, values)?)?;
    }
    Ok(dict)
}

#[test]
fn prefixes_of_wrappers_are_removed_however_many_there_are() -> Result<(), WeightsError> {
    let params = [param("a.weight", &[2], Role::Weight)];
    for name in ["a.weight", "module.a.weight", "module._orig_mod.a.weight"] {
        let fit = Fit::of(&params, &dict(&[(name, &[2])])?, None);
        assert!(matches!(fit.slots[0], Slot::Fits(_)), "{name}");
        assert_eq!(format!("{}a.weight", fit.place.prefix), name);
    }
    for asked in [None, Some("net.")] {
        let tensors = dict(&[("net.a.weight", &[2]), ("b", &[2]), ("net.c", &[2])])?;
        let fit = Fit::of(&params, &tensors, asked);
        assert!(matches!(fit.slots[0], Slot::Fits(_)));
        assert_eq!(
            (&fit.unexpected[..], &fit.beside[..]),
            (&["net.c".into()][..], &["b".into()][..])
        );
    }
    let fit = Fit::of(&params, &dict(&[("net.a.weight", &[2])])?, Some("module."));
    assert!(matches!(fit.slots[0], Slot::Missing), "as it was asked for");
    Ok(())
}

#[test]
fn counters_of_the_profiler_are_no_surprise() -> Result<(), WeightsError> {
    let params = [param("a.weight", &[2], Role::Weight)];
    let dict = dict(&[("a.weight", &[2]), ("total_ops", &[1]), ("a.total_params", &[1])])?;
    assert!(Fit::of(&params, &dict, None).unexpected.is_empty());
    Ok(())
}

#[test]
fn a_batch_count_may_be_absent_or_have_one_axis() -> Result<(), WeightsError> {
    let params = [
        param("a.weight", &[2], Role::Weight),
        param("n.num_batches_tracked", &[], Role::BatchCount),
    ];
    let fit = Fit::of(&params, &dict(&[("a.weight", &[2])])?, None);
    assert!(matches!(fit.slots[1], Slot::Optional));
    let with_axis = dict(&[("a.weight", &[2]), ("n.num_batches_tracked", &[1])])?;
    let fit = Fit::of(&params, &with_axis, None);
    let Slot::Fits(count) = &fit.slots[1] else { panic!("it fits") };
    assert_eq!(count.shape(), [0; 0]);
    Ok(())
}

#[test]
fn a_shape_that_only_has_as_many_values_does_not_fit() -> Result<(), WeightsError> {
    let params = [param("a.weight", &[2, 3], Role::Weight)];
    let fit = Fit::of(&params, &dict(&[("a.weight", &[3, 2])])?, None);
    let Slot::MisShaped(misfit) = &fit.slots[0] else { panic!("it does not fit") };
    assert_eq!((&misfit.file[..], &misfit.model[..]), (&[3, 2][..], &[2, 3][..]));
    Ok(())
}
