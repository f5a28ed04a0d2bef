use super::*;
use std::fs;
