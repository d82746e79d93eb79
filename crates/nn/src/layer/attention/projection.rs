//! How an attention makes its queries, keys and values.

use wengert_autograd::Var;
use wengert_tensor::{DType, Result, Rng, Tensor};

use crate::Module;
use crate::init::{Fans, Init};
use crate::param::Param;

/// The weights of queries, keys and values, named as PyTorch's.
#[derive(Debug, Clone, Module)]
pub(super) enum Weights {
    /// Below each other, `[3 width, width]`.
    Packed { in_proj_weight: Param },
    /// Keys and values are made of vectors of other widths.
    Separate { q_proj_weight: Param, k_proj_weight: Param, v_proj_weight: Param },
}

/// What makes queries, keys and values, all of one width, of the vectors that are attended with and to.
#[derive(Debug, Clone)]
pub(super) struct Projection {
    pub width: usize,
    /// The widths of what keys and values are made of.
    pub keys: usize,
    pub values: usize,
    pub weights: Weights,
    /// `[3 width]`
    pub in_proj_bias: Option<Param>,
}

impl Projection {
    /// Xavier's uniform weights, each matrix by itself, and biases of zeros, in f32.
    #[inline]
    pub fn new(width: usize, keys: usize, values: usize, rng: &mut Rng) -> Result<Self> {
        let init = Init::XavierUniform { gain: 1.0 };
        let mut draw = |inputs| init.draw([width, inputs], Fans::of_matrix(inputs, width), DType::F32, rng);
        let (q, k, v) = (draw(width)?, draw(keys)?, draw(values)?);
        let weights = if keys == width && values == width {
            Weights::Packed { in_proj_weight: Param::new(Tensor::concat(&[&q, &k, &v], 0)?) }
        } else {
            let [q_proj_weight, k_proj_weight, v_proj_weight] = [q, k, v].map(Param::new);
            Weights::Separate { q_proj_weight, k_proj_weight, v_proj_weight }
        };
        let bias = Tensor::zeros([width], DType::F32)?;
        let bias = Tensor::concat(&[&bias; 3], 0)?;
        Ok(Self { width, keys, values, weights, in_proj_bias: Some(Param::new(bias)) })
    }

    /// Queries, keys and values of the given vectors. What is made of the same vectors is one product.
    #[inline]
    pub fn of<'t>(&self, query: Var<'t>, key: Var<'t>, value: Var<'t>) -> [Var<'t>; 3] {
        let one_source = key.id() == value.id() && matches!(self.weights, Weights::Packed { .. });
        if one_source && query.id() == key.id() {
            return self.product(query, 0);
        }
        let [key, value] = self.keys_and_values(key, value);
        [self.query(query), key, value]
    }

    #[inline]
    pub fn query<'t>(&self, query: Var<'t>) -> Var<'t> {
        let [query] = self.product(query, 0);
        query
    }

    #[inline]
    pub fn keys_and_values<'t>(&self, key: Var<'t>, value: Var<'t>) -> [Var<'t>; 2] {
        if key.id() == value.id() && matches!(self.weights, Weights::Packed { .. }) {
            return self.product(key, 1);
        }
        let ([key], [value]) = (self.product(key, 1), self.product(value, 2));
        [key, value]
    }

    /// The product of x with `N` of the three matrices from number `first` on.
    #[inline]
    fn product<'t, const N: usize>(&self, x: Var<'t>, first: usize) -> [Var<'t>; N] {
        let width = self.width;
        let weight = match &self.weights {
            Weights::Packed { in_proj_weight } if N == 3 => in_proj_weight.beside(x),
            Weights::Packed { in_proj_weight } => in_proj_weight.beside(x).narrow(0, first * width, N * width),
            Weights::Separate { q_proj_weight, k_proj_weight, v_proj_weight } => {
                [q_proj_weight, k_proj_weight, v_proj_weight][first].beside(x)
            }
        };
        let mut y = x.matmul(weight.t());
        if let Some(bias) = &self.in_proj_bias {
            y = y + bias.beside(x).narrow(0, first * width, N * width);
        }
        std::array::from_fn(|i| if N == 1 { y } else { y.narrow(-1, i * width, width) })
    }
}
