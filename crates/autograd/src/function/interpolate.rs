//! Images made larger or smaller.
//!
//! Every element of the result is a weighted sum of a few along each axis: one for the nearest, two for linear, four for
//! cubic interpolation. They are read by an index of that many columns, so that memory is that many results, whatever
//! the sizes; a matrix of weights would be as large as both sizes multiplied.

use wengert_tensor::{DType, Error, Result, Tensor};

use crate::tape::Var;

/// How [`Var::interpolate`] finds what is between elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resize {
    /// The element that the lower edge of the new one falls into: PyTorch's `nearest`.
    Nearest,
    /// The element that the centre of the new one falls into: PyTorch's `nearest-exact`.
    NearestExact,
    /// The mean of the elements that the new one covers, in part or wholly, as
    /// [`adaptive_avg_pool`](Var::adaptive_avg_pool).
    Area,
    /// Between two elements along each axis: linear, bilinear, trilinear.
    Linear {
        /// Whether the centres of the outermost elements stay where they are, not the edges of the image.
        align_corners: bool,
    },
    /// The cubic convolution of four elements along each axis, with a = -3/4: bicubic.
    ///
    /// R. Keys, "Cubic convolution interpolation for digital image processing" (1981).
    Cubic {
        /// Whether the centres of the outermost elements stay where they are, not the edges of the image.
        align_corners: bool,
    },
}

impl<'t> Var<'t> {
    /// The last axes made of other sizes, what is between elements found as `how` says.
    ///
    /// The nearest elements can be of any dtype, the others are floats.
    ///
    /// ```
    /// use wengert_autograd::{Resize, Tape};
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[10.0, 20.0, 40.0]]));
    /// let doubled = x.interpolate(&[6], Resize::Nearest);
    /// assert_eq!(doubled.value()?, Tensor::from([[10.0, 10.0, 20.0, 20.0, 40.0, 40.0]]));
    /// let between = x.interpolate(&[5], Resize::Linear { align_corners: true });
    /// assert_eq!(between.value()?, Tensor::from([[10.0, 15.0, 20.0, 30.0, 40.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("resize", "upsample", "zoom"))]
    #[track_caller]
    pub fn interpolate(self, sizes: &[usize], how: Resize) -> Self {
        match self.last_sizes("interpolate", sizes.len(), how) {
            Ok(own) => {
                let axes: Vec<Axis> = own.iter().zip(sizes).map(|(&n, &m)| Axis { n, m, factor: None }).collect();
                self.interpolated(&axes, how)
            }
            Err(poisoned) => poisoned,
        }
    }

    /// The last axes made longer or shorter by factors: n elements become n times the factor, rounded down, and lie
    /// as far from each other as the factor says, not as their number does.
    ///
    /// ```
    /// use wengert_autograd::{Resize, Tape};
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([1.0, 3.0]));
    /// let y = x.interpolate_by(&[2.0], Resize::Linear { align_corners: false });
    /// assert_eq!(y.value()?, Tensor::from([1.0, 1.5, 2.5, 3.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("scale_factor", "upsample"))]
    #[track_caller]
    pub fn interpolate_by(self, factors: &[f64], how: Resize) -> Self {
        let own = match self.last_sizes("interpolate_by", factors.len(), how) {
            Ok(own) => own,
            Err(poisoned) => return poisoned,
        };
        if let Some(factor) = factors.iter().find(|factor| !(factor.is_finite() && **factor > 0.0)) {
            return self.tape().error(Error::value(format!("interpolate_by: a factor of {factor}")));
        }
        let axis = |(&n, &factor): (&usize, &f64)| Axis { n, m: (n as f64 * factor) as usize, factor: Some(factor) };
        self.interpolated(&own.iter().zip(factors).map(axis).collect::<Vec<_>>(), how)
    }

    /// The sizes of the last `axes`, or the mistake that they cannot be interpolated.
    #[track_caller]
    fn last_sizes(self, op: &str, axes: usize, how: Resize) -> std::result::Result<Vec<usize>, Self> {
        if self.is_poisoned() {
            return Err(self);
        }
        let shape = self.shape();
        let Some(lead) = shape.rank().checked_sub(axes) else {
            return Err(self.tape().error(Error::shape(format!("{op}: {axes} axes of {shape}"))));
        };
        if shape[lead..].contains(&0) {
            return Err(self.tape().error(Error::shape(format!("{op}: {shape} has no elements along an axis"))));
        }
        if !self.dtype().is_float() && !matches!(how, Resize::Nearest | Resize::NearestExact) {
            return Err(self.tape().error(Error::dtype(format!("{op}: takes floats, got {}", self.ty()))));
        }
        Ok(shape[lead..].to_vec())
    }

    #[track_caller]
    fn interpolated(self, axes: &[Axis], how: Resize) -> Self {
        if how == Resize::Area {
            return self.adaptive_avg_pool(&axes.iter().map(|axis| axis.m).collect::<Vec<_>>());
        }
        let lead = self.rank() - axes.len();
        let mut x = self;
        for (i, axis) in axes.iter().enumerate() {
            let last = axis.n - 1;
            let read = |p: f64, w: f64| ((p.max(0.0) as usize).min(last), w);
            x = match how {
                Resize::Area => x,
                Resize::Nearest => x.picked(lead + i, axis.m, |k| axis.edge(k).min(last)),
                Resize::NearestExact => x.picked(lead + i, axis.m, |k| axis.centre(k).min(last)),
                Resize::Linear { align_corners } => x.weighted("interpolate", lead + i, [axis.m, 2], |k, tap| {
                    let at = axis.at(k, align_corners).max(0.0);
                    let t = at - at.floor();
                    if tap == 0 { read(at.floor(), 1.0 - t) } else { read(at.floor() + 1.0, t) }
                }),
                Resize::Cubic { align_corners } => x.weighted("interpolate", lead + i, [axis.m, 4], |k, tap| {
                    let at = axis.at(k, align_corners);
                    let place = at.floor() + tap as f64 - 1.0;
                    read(place, cubic((at - place).abs()))
                }),
            };
        }
        x
    }

    /// The elements along `axis` that `of` names for each of `m`.
    #[track_caller]
    fn picked(self, axis: usize, m: usize, of: impl Fn(usize) -> usize) -> Self {
        if self.is_poisoned() {
            return self;
        }
        let index = Tensor::build(DType::I64, [m], |out| {
            out.typed::<i64>("interpolate")?.iter_mut().enumerate().for_each(|(k, i)| *i = of(k) as i64);
            Ok(())
        });
        match index {
            Ok(index) => self.index_select(axis as isize, self.tape().input(&index)),
            Err(error) => self.tape().error(error.within("interpolate")),
        }
    }

    /// Along `axis`, each of `m` elements the sum of `taps` that `of` names, with their weights.
    #[track_caller]
    pub(super) fn weighted(
        self,
        op: &str,
        axis: usize,
        [m, taps]: [usize; 2],
        of: impl Fn(usize, usize) -> (usize, f64),
    ) -> Self {
        if self.is_poisoned() {
            return self;
        }
        let tables = || -> Result<_> {
            let index = Tensor::build(DType::I64, [m, taps], |out| {
                let all = out.typed::<i64>(op)?.iter_mut().enumerate();
                all.for_each(|(i, place)| *place = of(i / taps, i % taps).0 as i64);
                Ok(())
            })?;
            let weights = Tensor::build(DType::F64, [m, taps], |out| {
                let all = out.typed::<f64>(op)?.iter_mut().enumerate();
                all.for_each(|(i, weight)| *weight = of(i / taps, i % taps).1);
                Ok(())
            })?;
            let after = std::iter::repeat_n(1, self.rank() - axis - 1);
            let along = [m, taps].into_iter().chain(after).collect::<wengert_tensor::Shape>();
            Ok((index, weights.cast(self.dtype())?.reshape(&along[..])?))
        };
        match tables() {
            Ok((index, weights)) => {
                let read = self.index_select(axis as isize, self.tape().input(&index));
                let terms = read * self.tape().input(&weights);
                if terms.is_poisoned() { terms } else { terms.sum_axes(axis + 1) }
            }
            Err(error) => self.tape().error(error.within(op)),
        }
    }
}

/// An axis of `n` elements to be made one of `m`, which lie as far from each other as `factor` says, or else their numbers.
struct Axis {
    n: usize,
    m: usize,
    factor: Option<f64>,
}

impl Axis {
    /// Where the centre of element `k` of the result is, counted in elements from the centre of the first.
    fn at(&self, k: usize, align_corners: bool) -> f64 {
        let (n, m, k) = (self.n as f64, self.m as f64, k as f64);
        match (align_corners, self.factor) {
            (true, _) if self.m == 1 => 0.0,
            (true, _) => k * ((n - 1.0) / (m - 1.0)),
            (false, Some(factor)) => (k + 0.5) * factor.recip() - 0.5,
            (false, None) => (k + 0.5) * (n / m) - 0.5,
        }
    }

    /// The element that the lower edge of element `k` of the result falls into. Of sizes it is found without rounding.
    fn edge(&self, k: usize) -> usize {
        match self.factor {
            Some(factor) => (k as f64 * factor.recip()) as usize,
            None => (k as u128 * self.n as u128 / self.m as u128) as usize,
        }
    }

    /// The element that the centre of element `k` of the result falls into.
    fn centre(&self, k: usize) -> usize {
        match self.factor {
            Some(factor) => ((k as f64 + 0.5) * factor.recip()) as usize,
            None => ((2 * k as u128 + 1) * self.n as u128 / (2 * self.m as u128)) as usize,
        }
    }
}

/// The weight of an element at a distance of at most 2.
fn cubic(t: f64) -> f64 {
    let a = -0.75;
    match t <= 1.0 {
        true => ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0,
        false => ((a * t - 5.0 * a) * t + 8.0 * a) * t - 4.0 * a,
    }
}
