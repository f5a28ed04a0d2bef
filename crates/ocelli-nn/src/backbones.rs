//! The networks, one file a family.

pub mod alexnet;
pub mod allconv;
pub mod autoencoder;
pub mod efficientnetv2;
pub mod ghostnet;
pub mod keras_cifar;
pub mod mobilenetv2;
pub mod nin;
pub mod resnet;
pub mod resnet_cifar;
pub mod vgg;
