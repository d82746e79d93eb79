//! The workloads, in the course's order. Each builds its data once, checks it, and is timed.

mod derivative;
mod hessian;
mod network;
mod product;
mod recurrent;
mod transformer;

use wengert::prelude::*;

use crate::measure::{Course, Unit};

/// A workload: what it is called, in what it is measured, and how it runs.
pub struct Workload {
    pub name: &'static str,
    pub unit: Unit,
    /// Calls in a timed block, where the course fixes them.
    pub calls: Option<usize>,
    /// Not one of the course's, but a check that goes with them.
    pub only_check: bool,
    pub run: fn(&Course) -> Result<()>,
}

const fn workload(name: &'static str, unit: Unit, run: fn(&Course) -> Result<()>) -> Workload {
    Workload { name, unit, calls: None, only_check: false, run }
}

/// The unit of a product of square matrices of size `n`: a multiplication and an addition for each of n³ terms.
const fn product_of(n: usize) -> Unit {
    Unit::Gflops(2.0 * (n * n * n) as f64)
}

use Unit::{MiB, Micros, Millis};

/// All workloads.
pub const WORKLOADS: [Workload; 23] = [
    Workload { calls: Some(1000), ..workload("xor", Micros, |c| network::xor(c, DType::F32, false)) },
    Workload { calls: Some(1000), ..workload("xor_recorded", Micros, |c| network::xor(c, DType::F32, true)) },
    Workload {
        calls: Some(1000),
        only_check: true,
        ..workload("xor_f64", Micros, |c| network::xor(c, DType::F64, false))
    },
    workload("mlp_b128", Millis, |c| network::mlp(c, 128, Sgd::new(0.01))),
    workload("mlp_b1", Micros, |c| network::mlp(c, 1, Sgd::new(0.01))),
    workload("mlp_adam", Millis, |c| network::mlp(c, 128, Adam::new(1e-3))),
    workload("cnn", Millis, network::cnn),
    workload("gpt", Millis, transformer::gpt),
    workload("gpt_rss", MiB, transformer::gpt_rss),
    workload("elem_4m", Millis, |c| derivative::elementwise(c, 1 << 22)),
    workload("elem_1k", Micros, |c| derivative::elementwise(c, 1000)),
    workload("chain", Micros, |c| derivative::chain(c, DType::F32)),
    Workload { only_check: true, ..workload("chain_f64", Micros, |c| derivative::chain(c, DType::F64)) },
    workload("hess_mlp", Millis, hessian::mlp),
    workload("hess_rosen", Millis, hessian::rosenbrock),
    workload("softmax", Millis, derivative::log_softmax),
    workload("layernorm", Millis, derivative::layer_norm),
    workload("matmul_64", product_of(64), |c| product::matmul(c, 64)),
    workload("matmul_256", product_of(256), |c| product::matmul(c, 256)),
    workload("matmul_1024", product_of(1024), |c| product::matmul(c, 1024)),
    workload("matmul_2048", product_of(2048), |c| product::matmul(c, 2048)),
    workload("conv_res", Millis, derivative::convolution),
    workload("lstm", Millis, recurrent::lstm),
];
