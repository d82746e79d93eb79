//! Averages over windows, and pooling to a given size.

use wengert_tensor::{DType, Error, Pool, Result, Shape, Tensor, kernel};

use crate::tape::Var;

impl<'t> Var<'t> {
    /// The sum of every window over the last axes: [.., axes..] to [.., positions..]. Padding is zeros.
    ///
    /// An average with a divisor of one's own is this, divided by it.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::{Pool, Tensor};
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([1.0, 3.0, 2.0, 0.0]));
    /// assert_eq!(x.sum_pool(&Pool::new(&[3]).stride(1)).value()?, Tensor::from([6.0, 5.0]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("divisor_override", "lp_pool"))]
    #[track_caller]
    pub fn sum_pool(self, how: &Pool) -> Self {
        self.summed("sum_pool", how).narrowed(self)
    }

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
        let sums = self.summed("avg_pool", how);
        if sums.is_poisoned() {
            return sums;
        }
        let (shape, out) = (self.shape(), sums.shape());
        let fill = |out: wengert_tensor::ViewMut<'_>| kernel::pool::counts(&shape, how, count_padding, out);
        match Tensor::build(sums.dtype(), &out[out.rank() - how.sizes.len()..], fill) {
            Ok(counts) => (sums / self.tape().input(&counts)).narrowed(self),
            Err(error) => self.tape().error(error.within("avg_pool")),
        }
    }

    /// Sums of windows; of half precision in f32.
    #[track_caller]
    fn summed(self, op: &str, how: &Pool) -> Self {
        if self.is_poisoned() {
            return self;
        }
        let x = self.wide();
        let (shape, axes) = (x.shape(), how.sizes.len());
        let plan = || -> Result<_> {
            let (sums, out) = (how.sums(&shape)?, kernel::pool::shape(&shape, how)?);
            Ok((sums, out, Tensor::ones([&[1, 1], &how.sizes[..]].concat(), x.dtype())?))
        };
        let (sums, out, ones) = match plan() {
            Ok(plan) => plan,
            Err(error) => return self.tape().error(error.within(op)),
        };
        let lead = shape.rank() - axes;
        let images = [&[shape[..lead].iter().product(), 1], &shape[lead..]].concat();
        x.reshape(&images[..]).conv(self.tape().input(&ones), &sums).reshape(&out)
    }

    /// The last axes averaged to `sizes`: index i is the average from i S / n, rounded down, to (i + 1) S / n,
    /// rounded up, of an axis of S elements that becomes n.
    #[doc(alias("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"))]
    #[track_caller]
    pub fn adaptive_avg_pool(self, sizes: &[usize]) -> Self {
        let op = "adaptive_avg_pool";
        let means = self.wide().adaptive(op, sizes, &|x, axis, parts| {
            if !x.dtype().is_float() {
                return Err(Error::dtype(format!("takes floats, got {}", x.ty())));
            }
            if let Some(size) = parts.size_of_each() {
                let shape = x.shape();
                return Ok(x.reshape(shape.with_size(axis, parts.n).with_axis(axis + 1, size)).mean_axes(axis + 1));
            }
            Ok(x.weighted(op, axis, [parts.n, parts.longest()], |i, j| {
                let part = parts.part(i);
                let weight = if j < part.len() { 1.0 / part.len() as f64 } else { 0.0 };
                ((part.start + j).min(part.end - 1), weight)
            }))
        });
        means.narrowed(self)
    }

    /// The maximum where [`adaptive_avg_pool`](Self::adaptive_avg_pool) averages.
    #[doc(alias("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d"))]
    #[track_caller]
    pub fn adaptive_max_pool(self, sizes: &[usize]) -> Self {
        self.adaptive("adaptive_max_pool", sizes, &|x, axis, parts| {
            // Parts are made equally long by repeating their last element.
            let longest = parts.longest();
            let index = Tensor::build(DType::I64, [parts.n, longest], |out| {
                for (i, place) in out.typed::<i64>("index")?.iter_mut().enumerate() {
                    let part = parts.part(i / longest);
                    *place = (part.start + i % longest).min(part.end - 1) as i64;
                }
                Ok(())
            })?;
            Ok(x.index_select(axis as isize, x.tape().input(&index)).max_axes(axis + 1))
        })
    }

    /// Each of the last axes reduced by `one`, which is given its parts.
    #[track_caller]
    fn adaptive(self, op: &str, sizes: &[usize], one: &dyn Fn(Self, usize, Parts) -> Result<Self>) -> Self {
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
                let axis = lead + i;
                let pooled = match n {
                    0 => Ok(x.narrow(axis as isize, 0, 0)),
                    _ => one(x, axis, Parts { size: shape[axis], n }),
                };
                x = match pooled {
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

/// An axis of `size` elements in `n` parts, at least one, which overlap where they do not come out even.
#[derive(Clone, Copy)]
struct Parts {
    size: usize,
    n: usize,
}

impl Parts {
    fn part(self, k: usize) -> std::ops::Range<usize> {
        let [size, n, k] = [self.size, self.n, k].map(|x| x as u128);
        (k * size / n) as usize..((k + 1) * size).div_ceil(n) as usize
    }

    /// Their size, where all have one and none overlaps.
    fn size_of_each(self) -> Option<usize> {
        self.size.is_multiple_of(self.n).then(|| self.size / self.n)
    }

    /// The size of the longest: a part starts at most n - gcd n-ths of an element after a whole one.
    fn longest(self) -> usize {
        let (mut gcd, mut rest) = (self.size, self.n);
        while rest != 0 {
            (gcd, rest) = (rest, gcd % rest);
        }
        (self.n - gcd).saturating_add(self.size).div_ceil(self.n)
    }
}
