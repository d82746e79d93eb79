//! Sliding windows over the last axes, which copy nothing, and their adjoint, overlap-add.

use smallvec::SmallVec;
use wengert_tensor::{Error, Layout, Result, Tensor, View, ViewMut, kernel};

use super::gather::{numbers, zero};
use super::{Example, Rule, operands, flops_of};
use crate::tape::Var;
use crate::ty::Type;

/// One number for every axis that windows slide over.
type Numbers = SmallVec<[usize; 4]>;

/// y[.., p.., w..] = x[.., p stride + w dilation, ..];  dy = the same of dx
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Windows {
    /// Elements in a window.
    pub sizes: Numbers,
    /// Distances between windows.
    pub strides: Numbers,
    /// Distances between the elements of a window.
    pub dilations: Numbers,
}

impl Rule for Windows {
    fn name(&self) -> &'static str {
        "windows"
    }

    fn takes_halves(&self) -> bool {
        true
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [x] = operands("windows", x)?;
        let [n, s, d] = [&self.sizes, &self.strides, &self.dilations].map(|numbers| numbers.len());
        if s != n || d != n {
            return Err(Error::shape(format!("windows: {n} sizes, {s} strides and {d} dilations")));
        }
        let windows = Layout::contiguous(x.shape.clone()).windows(&self.sizes, &self.strides, &self.dilations);
        let named = |e: Error| if e.sentence().starts_with("windows") { e } else { e.within("windows") };
        Ok(x.with_shape(windows.map_err(named)?.shape()))
    }

    fn alias(&self, x: &Layout) -> Option<Layout> {
        x.windows(&self.sizes, &self.strides, &self.dilations).ok()
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        let layout = x[0].layout().windows(&self.sizes, &self.strides, &self.dilations)?;
        kernel::copy::copy(x[0].through(&layout)?, out)
    }

    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        dx[0].map(|dx| dx.tape().record(self.clone(), &[dx]))
    }

    fn vjp<'t>(&self, _: usize, x: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        let shape = x[0].shape();
        let sizes = &shape[shape.rank() - self.sizes.len()..];
        Some(ybar.fold(sizes, &self.strides, &self.dilations))
    }

    fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
        x[0].tape().record(self.clone(), x)
    }

    #[inline]
    fn examples() -> Vec<Example> {
        let x = Tensor::from([[1.0, 2.0, -0.5, 0.75, 3.0], [0.25, -3.0, 4.0, 1.5, -1.0]]);
        let windows = |sizes: &[usize], strides: &[usize], dilations: &[usize]| Windows {
            sizes: sizes.into(),
            strides: strides.into(),
            dilations: dilations.into(),
        };
        vec![
            Example::new(windows(&[3], &[1], &[1]), [x.clone()]),
            Example::new(windows(&[2], &[2], &[2]), [x.clone()]),
            Example::new(windows(&[2, 2], &[1, 3], &[1, 1]), [x]),
        ]
    }
}

/// y = zeros, y[.., p stride + w dilation, ..] += x[.., p.., w..];  dy = the same of dx
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fold {
    /// The sizes of the axes that the windows are added back to.
    pub sizes: Numbers,
    /// Distances between windows.
    pub strides: Numbers,
    /// Distances between the elements of a window.
    pub dilations: Numbers,
}

impl Rule for Fold {
    fn name(&self) -> &'static str {
        "fold"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [x] = operands("fold", x)?;
        numbers("fold", x)?;
        Ok(x.with_shape(kernel::window::shape(&x.shape, &self.sizes, &self.strides, &self.dilations)?))
    }

    fn eval(&self, x: &[View], mut out: ViewMut) -> Result<()> {
        zero(&mut out)?;
        kernel::window::fold(x[0], &self.strides, &self.dilations, out)
    }

    fn flops(&self, x: &[&Type], _: &Type) -> u64 {
        flops_of(0, x)
    }

    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        dx[0].map(|dx| dx.tape().record(self.clone(), &[dx]))
    }

    fn vjp<'t>(&self, _: usize, x: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        let shape = x[0].shape();
        Some(ybar.windows(&shape[shape.rank() - self.sizes.len()..], &self.strides, &self.dilations))
    }

    fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
        x[0].tape().record(self.clone(), x)
    }

    #[inline]
    fn examples() -> Vec<Example> {
        let x = Tensor::from([[1.0, 2.0, -0.5], [0.25, -3.0, 4.0]]);
        let fold = |size: usize, stride: usize, dilation: usize| Fold {
            sizes: [size].as_slice().into(),
            strides: [stride].as_slice().into(),
            dilations: [dilation].as_slice().into(),
        };
        vec![
            Example::new(fold(4, 1, 1), [x.clone()]),
            Example::new(fold(8, 2, 2), [x.clone()]),
            Example::new(fold(7, 4, 1), [x]),
        ]
    }
}

impl<'t> Var<'t> {
    /// Sliding windows over the last `sizes.len()` axes: these axes become positions, and as many new
    /// axes, the places within a window, follow. Copies nothing.
    ///
    /// A window takes `sizes` elements, `dilations` apart; windows start `strides` apart.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([1.0, 2.0, 3.0, 4.0]));
    /// let means = x.windows(&[2], &[1], &[1]).sum_axes(-1) / 2.0;
    /// assert_eq!(means.value()?, Tensor::from([1.5, 2.5, 3.5]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("unfold", "sliding_window_view"))]
    #[track_caller]
    pub fn windows(self, sizes: &[usize], strides: &[usize], dilations: &[usize]) -> Self {
        let [sizes, strides, dilations] = [sizes, strides, dilations].map(Numbers::from_slice);
        self.tape().record(Windows { sizes, strides, dilations }, &[self])
    }

    /// Windows [.., positions.., window..], as [`windows`](Self::windows) cuts them from axes of `sizes`,
    /// added back to where they came from: its adjoint.
    #[doc(alias = "overlap_add")]
    #[track_caller]
    pub fn fold(self, sizes: &[usize], strides: &[usize], dilations: &[usize]) -> Self {
        let [sizes, strides, dilations] = [sizes, strides, dilations].map(Numbers::from_slice);
        self.tape().record(Fold { sizes, strides, dilations }, &[self])
    }
}
