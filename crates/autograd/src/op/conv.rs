//! Convolution over one to three axes. Both its derivatives are convolutions again.

use wengert_tensor::{Conv, Error, Pad, Result, Shape, Tensor, View, ViewMut, kernel};

use super::{Example, Rule, operands, sum_tangents};
use crate::tape::Var;
use crate::ty::Type;

/// y[n, o, p] = sum over i, k of w[o, i, k] x[n, i, p stride + k dilation - lo];  bilinear in x and w
///
/// Cross-correlation, as in machine learning. Operands: x [N, G I, axes..] and w [G O, I, window..]; the
/// result is [N, G O, positions..]. Each of the G groups of channels is convolved for itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Convolution {
    /// Strides, padding, dilations and groups.
    pub how: Conv,
}

impl Rule for Convolution {
    fn name(&self) -> &'static str {
        "conv"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [x, w] = operands("conv", x)?;
        if !x.dtype.is_float() {
            return Err(Error::dtype(format!("conv: takes a float dtype, got {x}")));
        }
        if x.dtype != w.dtype {
            return Err(Error::dtype(format!("conv: dtypes {} and {} differ", x.dtype, w.dtype)));
        }
        Ok(x.with_shape(kernel::conv::shape(&x.shape, &w.shape, &self.how)?))
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        kernel::conv::conv(x[0], x[1], &self.how, out)
    }

    fn flops(&self, x: &[&Type], y: &Type) -> u64 {
        // A window over the channels of a group, for every element of the result.
        let window = x.get(1).map_or(0, |w| w.shape.iter().skip(1).fold(1u64, |n, &size| n.saturating_mul(size as u64)));
        (y.shape.numel() as u64).saturating_mul(window).saturating_mul(2)
    }

    fn jvp<'t>(&self, x: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        sum_tangents(dx, |i, dx| Some(if i == 0 { dx.conv(x[1], &self.how) } else { x[0].conv(dx, &self.how) }))
    }

    fn vjp<'t>(&self, i: usize, x: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        Some(if i == 0 { self.xbar(x[0], x[1], ybar) } else { self.wbar(x[0], x[1], ybar) })
    }

    fn batch<'t>(&self, x: &[Var<'t>], batched: &[bool], n: usize) -> Var<'t> {
        let (x, w, groups) = (x[0], x[1], self.how.groups);
        let (shape, window) = (x.shape(), w.shape());
        match batched {
            // The batch is more samples. (With no repetition there is no group either: any kernel serves.)
            [true, own] if !own || n == 0 => {
                let w = if *own { w.sum_axes(0) } else { w };
                let y = x.reshape(join(&[&[n * shape[1]], &shape[2..]])).conv(w, &self.how);
                y.reshape(join(&[&[n, shape[1]], y.shape().get(1..).unwrap_or_default()]))
            }
            // The batch is more groups.
            [true, _] => {
                let x = x.move_axis(0, 1).reshape(join(&[&[shape[1], n * shape[2]], &shape[3..]]));
                let w = w.reshape(join(&[&[n * window[1]], &window[2..]]));
                let y = x.conv(w, &Conv { groups: n.saturating_mul(groups), ..self.how.clone() });
                let places = y.shape();
                y.reshape(join(&[&[shape[1], n, window[1]], places.get(2..).unwrap_or_default()])).move_axis(1, 0)
            }
            // The batch is more output channels in every group.
            _ => {
                let each = window[1] / groups;
                let w = w.reshape(join(&[&[n, groups, each], &window[2..]])).move_axis(0, 1);
                let y = x.conv(w.reshape(join(&[&[n * window[1]], &window[2..]])), &self.how);
                let places = y.shape();
                let places = places.get(2..).unwrap_or_default();
                let y = y.reshape(join(&[&[shape[0], groups, n, each], places])).move_axis(2, 0);
                y.reshape(join(&[&[n, shape[0], window[1]], places]))
            }
        }
    }

    #[inline]
    fn examples() -> Vec<Example> {
        let irregular = |shape: &[usize], seed: usize| {
            let n = shape.iter().product::<usize>();
            let values = (0..n).map(|i| ((i * 7 + seed) * 13 % 29) as f64 / 10.0 - 1.4).collect();
            Tensor::from_vec(values, shape).expect("as many values as the shape has")
        };
        let example = |how: Conv, x: &[usize], w: &[usize]| {
            Example::new(Convolution { how }, [irregular(x, 1), irregular(w, 2)])
        };
        let uneven = Conv { padding: vec![(2, 0)], ..Conv::new(1) };
        let cropped = Conv { padding: vec![(-1, 1), (0, -2)], ..Conv::new(2).stride(2) };
        vec![
            example(Conv::new(1), &[2, 1, 5], &[2, 1, 3]),
            example(uneven.stride(3).dilation(2), &[1, 2, 7], &[1, 2, 2]),
            example(Conv::new(1).groups(2).padding(3), &[1, 4, 3], &[2, 2, 2]),
            example(Conv::new(2).stride(2).padding(1).groups(2), &[2, 2, 4, 3], &[4, 1, 2, 2]),
            example(cropped, &[1, 1, 5, 6], &[1, 1, 2, 1]),
            example(Conv::new(3).padding(1).dilation(2), &[1, 1, 2, 3, 2], &[1, 1, 1, 2, 2]),
        ]
    }
}

impl Convolution {
    /// The cotangent of x: every position of y spreads over the window that it was made of.
    fn xbar<'t>(&self, x: Var<'t>, w: Var<'t>, ybar: Var<'t>) -> Var<'t> {
        let (shape, positions) = (x.shape(), ybar.shape());
        if shape[2..].contains(&0) {
            return x.full_like(0.0);
        }
        let after = |a: usize| {
            let spread = (positions[a + 2] - 1) * self.how.strides[a] + 1;
            shape[a + 2] as isize + self.how.padding[a].0 - spread as isize
        };
        spread(ybar, w, &self.how, &(0..self.how.strides.len()).map(after).collect::<Vec<_>>())
    }

    /// The cotangent of w: channels take the place of samples, and y that of the kernel. What were
    /// distances between windows are now distances within one.
    fn wbar<'t>(&self, x: Var<'t>, w: Var<'t>, ybar: Var<'t>) -> Var<'t> {
        let (shape, window, positions) = (x.shape(), w.shape(), ybar.shape());
        let (samples, groups) = (shape[0], self.how.groups);
        let (inputs, outputs) = (window[1], window[0] / groups);
        // Padded, or cropped, to exactly as many positions as the kernel has elements.
        let padding = |a: usize| {
            let (lo, _) = self.how.padding[a];
            let read = (positions[a + 2] - 1) * self.how.strides[a] + (window[a + 2] - 1) * self.how.dilations[a] + 1;
            (lo, read as isize - shape[a + 2] as isize - lo)
        };
        let how = Conv {
            strides: self.how.dilations.clone(),
            padding: (0..self.how.strides.len()).map(padding).collect(),
            dilations: self.how.strides.clone(),
            groups,
        };
        // [N, G I, ..] to [I, G N, ..], and [N, G O, ..] to [G O, N, ..].
        let x = x.reshape(join(&[&[samples, groups, inputs], &shape[2..]])).transpose(0, 2);
        let x = x.reshape(join(&[&[inputs, groups.saturating_mul(samples)], &shape[2..]]));
        let ybar = ybar.transpose(0, 1).reshape(join(&[&[groups * outputs, samples], &positions[2..]]));
        x.conv(ybar, &how).transpose(0, 1)
    }
}

/// `y` spread by the kernel over the axes that a convolution would have made it of, `after` zeros
/// following its last position: a convolution with the mirrored kernel, inputs and outputs exchanged, of
/// y with zeros between its elements.
#[track_caller]
fn spread<'t>(y: Var<'t>, w: Var<'t>, how: &Conv, after: &[isize]) -> Var<'t> {
    let (window, groups) = (w.shape(), how.groups);
    let (inputs, outputs) = (window[1], window[0] / groups);
    let mirrored = w.reshape(join(&[&[groups, outputs, inputs], &window[2..]])).transpose(1, 2);
    let mirrored = mirrored.reshape(join(&[&[groups.saturating_mul(inputs), outputs], &window[2..]]));
    let spatial: Vec<usize> = (2..window.rank()).collect();

    let mut between = vec![Pad::default(); 2];
    between.extend(how.strides.iter().map(|&stride| Pad { interior: stride - 1, ..Pad::default() }));
    let before = |(a, &hi): (usize, &isize)| (reach(&window, how, a).saturating_sub(how.padding[a].0), hi);
    let how = Conv {
        strides: vec![1; spatial.len()],
        padding: after.iter().enumerate().map(before).collect(),
        ..how.clone()
    };
    y.pad(&between, 0.0).conv(mirrored.flip(&spatial[..]), &how)
}

/// The distance between the first and the last element of a window.
fn reach(window: &Shape, how: &Conv, a: usize) -> isize {
    let reach = window[a + 2].saturating_sub(1).saturating_mul(how.dilations[a]);
    isize::try_from(reach).unwrap_or(isize::MAX)
}

fn join(sizes: &[&[usize]]) -> Shape {
    sizes.concat().into()
}

impl<'t> Var<'t> {
    /// Convolution (cross-correlation) over the last one to three axes: [N, G I, axes..] with a kernel
    /// [G O, I, window..] gives [N, G O, positions..].
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::{Conv, Tensor};
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[[1.0, 2.0, 4.0, 8.0]]]));
    /// let differences = tape.input(&Tensor::from([[[-1.0, 1.0]]]));
    /// let y = x.conv(differences, &Conv::new(1).stride(2));
    /// assert_eq!(y.value()?, Tensor::from([[[1.0, 4.0]]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("conv1d", "conv2d", "conv3d"))]
    #[track_caller]
    pub fn conv(self, kernel: Self, how: &Conv) -> Self {
        self.tape().record(Convolution { how: how.clone() }, &[self, kernel])
    }

    /// The adjoint of [`conv`](Self::conv) with the same kernel, [G O, I, window..], and options: it takes
    /// [N, G O, positions..] to [N, G I, axes..]. Strides leave open how long the axes were: they are as
    /// short as possible, and `extra` longer.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::{Conv, Tensor};
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[[1.0, 2.0]]]));
    /// let kernel = tape.input(&Tensor::from([[[1.0, 10.0, 100.0]]]));
    /// let y = x.conv_transpose(kernel, &Conv::new(1).stride(2), &[0]);
    /// assert_eq!(y.value()?, Tensor::from([[[1.0, 10.0, 102.0, 20.0, 200.0]]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "output_padding"))]
    #[track_caller]
    pub fn conv_transpose(self, kernel: Self, how: &Conv, extra: &[usize]) -> Self {
        if let Some(poisoned) = [self, kernel].into_iter().find(|v| v.is_poisoned()) {
            return poisoned;
        }
        let (shape, window, axes) = (self.shape(), kernel.shape(), how.strides.len());
        let wrong = |why: &str| Error::shape(format!("conv_transpose: {shape} with kernel {window}: {why}"));
        let lengths = [how.padding.len(), how.dilations.len(), extra.len(), shape.rank().wrapping_sub(2), window.rank().wrapping_sub(2)];
        if lengths.iter().any(|&n| n != axes) {
            let why = format!("{how:?} and {extra:?} more are not for {axes} axes each");
            return self.tape().error(wrong(&why));
        }
        if how.groups == 0 || !window[0].is_multiple_of(how.groups) || shape[1] != window[0] {
            let why = format!("channels do not fit in {} groups", how.groups);
            return self.tape().error(wrong(&why));
        }
        if how.strides.contains(&0) {
            return self.tape().error(Error::value(format!("conv_transpose: strides {:?}: must be at least 1", how.strides)));
        }
        let after = |(a, &extra): (usize, &usize)| {
            let extra = isize::try_from(extra).unwrap_or(isize::MAX);
            reach(&window, how, a).saturating_sub(how.padding[a].1).saturating_add(extra)
        };
        spread(self, kernel, how, &extra.iter().enumerate().map(after).collect::<Vec<_>>())
    }
}
