//! Averages over windows, and pooling to a given size.

use wengert_tensor::{Error, Pool, Result, Shape, Tensor, kernel};

use crate::tape::Var;

impl<'t> Var<'t> {
    /// The average of every window over the last axes: [.., axes..] to [.., positions..]. Padding is
    /// zeros, which count as elements where `count_padding` says so.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::{Pool, Tensor};
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([1.0, 3.0, 2.0, 0.0]));
    /// let how = Pool::new(&[2]).padding(1);
    /// assert_eq!(x.avg_pool(&how, false).value()?, Tensor::from([1.0, 2.5, 0.0]));
    /// assert_eq!(x.avg_pool(&how, true).value()?, Tensor::from([0.5, 2.5, 0.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("avg_pool1d", "avg_pool2d", "avg_pool3d", "count_include_pad"))]
    #[track_caller]
    pub fn avg_pool(self, how: &Pool, count_padding: bool) -> Self {
        if self.is_poisoned() {
            return self;
        }
        let x = self.wide();
        let (shape, axes) = (x.shape(), how.sizes.len());
        let plan = || -> Result<_> {
            let (sums, out) = (how.sums(&shape)?, kernel::pool::shape(&shape, how)?);
            let fill = |out: wengert_tensor::ViewMut<'_>| kernel::pool::counts(&shape, how, count_padding, out);
            let counts = Tensor::build(x.dtype(), &out[out.rank() - axes..], fill)?;
            let ones = Tensor::ones([&[1, 1], &how.sizes[..]].concat(), x.dtype())?;
            Ok((sums, out, counts, ones))
        };
        let (sums, out, counts, ones) = match plan() {
            Ok(plan) => plan,
            Err(error) => return self.tape().error(error.within("avg_pool")),
        };
        let lead = shape.rank() - axes;
        let images = [&[shape[..lead].iter().product(), 1], &shape[lead..]].concat();
        let sums = x.reshape(&images[..]).conv(self.tape().input(&ones), &sums);
        (sums.reshape(&out) / self.tape().input(&counts)).narrowed(self)
    }

    /// The last axes averaged to `sizes`: index i is the average from i S / n, rounded down, to (i + 1) S / n,
    /// rounded up, of an axis of S elements that becomes n.
    #[doc(alias("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"))]
    #[track_caller]
    pub fn adaptive_avg_pool(self, sizes: &[usize]) -> Self {
        let average = |x: Self, axis: usize, parts: &[std::ops::Range<usize>]| {
            // Averaging along an axis is linear: a product with a matrix of shares.
            let size = x.shape()[axis];
            let mut shares = vec![0.0; parts.len() * size];
            for (i, part) in parts.iter().enumerate() {
                part.clone().for_each(|j| shares[j * parts.len() + i] = 1.0 / part.len() as f64);
            }
            let shares = Tensor::from_vec(shares, [size, parts.len()])?.cast(x.dtype())?;
            Ok(x.move_axis(axis as isize, -1).matmul(x.tape().input(&shares)).move_axis(-1, axis as isize))
        };
        self.wide().adaptive("adaptive_avg_pool", sizes, average).narrowed(self)
    }

    /// The maximum where [`adaptive_avg_pool`](Self::adaptive_avg_pool) averages.
    #[doc(alias("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d"))]
    #[track_caller]
    pub fn adaptive_max_pool(self, sizes: &[usize]) -> Self {
        self.adaptive("adaptive_max_pool", sizes, |x, axis, parts| {
            // Parts are made equally long by repeating their last element.
            let longest = parts.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
            let index = |part: &std::ops::Range<usize>| {
                let part = part.clone();
                (0..longest).map(move |j| (part.start + j).min(part.end - 1) as i64)
            };
            let index = Tensor::from_vec(parts.iter().flat_map(index).collect(), [parts.len(), longest])?;
            Ok(x.index_select(axis as isize, x.tape().input(&index)).max_axes(axis + 1))
        })
    }

    /// Each of the last axes, of S elements, reduced to n parts by `one`, which is given them.
    #[track_caller]
    fn adaptive(
        self,
        op: &str,
        sizes: &[usize],
        one: impl Fn(Self, usize, &[std::ops::Range<usize>]) -> Result<Self>,
    ) -> Self {
        if self.is_poisoned() {
            return self;
        }
        let (tape, shape) = (self.tape(), self.shape());
        let Some(lead) = shape.rank().checked_sub(sizes.len()) else {
            return tape.error(Error::shape(format!("{op}: {shape} to the sizes {sizes:?}")));
        };
        if shape[lead..].contains(&0) || Shape::from(sizes).numel_checked().is_err() {
            return tape.error(Error::shape(format!("{op}: {shape} has nothing to pool to {sizes:?}")));
        }
        tape.originating(tape.here(), || {
            let mut x = self;
            for (i, &n) in sizes.iter().enumerate() {
                let size = shape[lead + i];
                let part = |k: usize| k * size / n..((k + 1) * size).div_ceil(n);
                x = match one(x, lead + i, &(0..n).map(part).collect::<Vec<_>>()) {
                    Ok(x) => x,
                    Err(error) => return tape.error(error.within(op)),
                };
                if x.is_poisoned() {
                    return x;
                }
            }
            x
        })
    }
}
