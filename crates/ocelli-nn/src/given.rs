//! Values that are given to an engine, as they come.

use crate::lowering::GivenSlice;
use crate::op::Shape;
use burn::backend::{BackendTypes, Flex};
use burn::tensor::{Device, Tensor, TensorData};

/// A value that a route is given: a tensor of planes, or rows in memory, as another route's or a
/// codebook's are.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a few live at a time")]
pub enum Given {
    /// `[batch, channels, height, width]`
    Planes(Tensor<4>),
    /// Channels last.
    Rows(RowValues),
}

/// A value in memory, channels last: one row for each pixel.
#[derive(Clone, Debug, PartialEq)]
pub struct RowValues {
    /// `[batch, height, width, channels]`
    pub values: Vec<f32>,
    /// Of a sample.
    pub shape: Shape,
}

impl RowValues {
    /// How many samples there are.
    pub fn batch(&self) -> usize {
        self.values.len() / self.shape.len().max(1)
    }

    /// The value as planes, `[batch, channels, height, width]`.
    pub fn to_planes(&self, device: &Device) -> Tensor<4> {
        let Shape { channels, height, width } = self.shape;
        let data = TensorData::new(self.values.clone(), [self.batch(), height, width, channels]);
        let rows = Tensor::<4>::from_data(data, device);
        if height * width == 1 {
            return rows.reshape([self.batch(), channels, 1, 1]);
        }
        rows.permute([0, 3, 1, 2])
    }
}

impl Given {
    /// How many samples there are.
    pub fn batch(&self) -> usize {
        match self {
            Self::Planes(planes) => planes.dims()[0],
            Self::Rows(rows) => rows.batch(),
        }
    }

    /// The shape of a sample.
    pub fn shape(&self) -> Shape {
        match self {
            Self::Planes(planes) => {
                let [_, channels, height, width] = planes.dims();
                Shape { channels, height, width }
            }
            Self::Rows(rows) => rows.shape,
        }
    }

    pub(crate) fn into_planes(self, device: &Device) -> Tensor<4> {
        match self {
            Self::Planes(planes) => planes,
            Self::Rows(rows) => rows.to_planes(device),
        }
    }
}

impl From<Tensor<4>> for Given {
    fn from(planes: Tensor<4>) -> Self {
        Self::Planes(planes)
    }
}

impl From<RowValues> for Given {
    fn from(rows: RowValues) -> Self {
        Self::Rows(rows)
    }
}

impl From<Tensor<4>> for RowValues {
    fn from(planes: Tensor<4>) -> Self {
        let [_, channels, height, width] = planes.dims();
        let rows = if height * width == 1 { planes } else { planes.permute([0, 2, 3, 1]) };
        let values = rows.into_data().iter::<f32>().collect();
        Self { values, shape: Shape { channels, height, width } }
    }
}

pub(crate) type FlexTensor = <Flex as BackendTypes>::FloatTensorPrimitive;

/// What an engine is given, as it stands in memory.
pub(crate) struct GivenValues(Vec<InMemory>);

enum InMemory {
    Planes(FlexTensor),
    Rows(Vec<f32>),
}

impl GivenValues {
    /// `None` unless all of them are on the CPU.
    pub(crate) fn new(given: &[Given]) -> Option<Self> {
        let given = given.iter().map(|value| match value {
            Given::Planes(planes) => {
                let planes = planes.clone().without_autodiff();
                let planes = planes.try_into_primitive::<Flex>().ok()?.to_contiguous();
                planes.as_slice::<f32>().is_some().then_some(InMemory::Planes(planes))
            }
            Given::Rows(rows) => Some(InMemory::Rows(rows.values.clone())),
        });
        given.collect::<Option<_>>().map(Self)
    }

    pub(crate) fn slices(&self) -> Vec<GivenSlice<'_>> {
        let slices = self.0.iter().map(|value| match value {
            InMemory::Planes(planes) => GivenSlice::Planes(planes.as_slice().unwrap_or_default()),
            InMemory::Rows(rows) => GivenSlice::Rows(rows),
        });
        slices.collect()
    }
}
