//! Windows as the columns of a matrix: what makes a convolution a product.

use smallvec::SmallVec;
use wengert_tensor::{AxisList, Error, Pool, Shape};

use crate::tape::Var;

impl Var<'_> {
    /// The windows over the last axes as columns: [.., channels, axes..] to [.., channels × window, positions], a channel's
    /// elements of a window in row-major order. Padding is zeros, and no window reaches beyond it.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::{Pool, Tensor};
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[1.0, 2.0, 3.0]]));
    /// let y = x.im2col(&Pool::new(&[2]).stride(1));
    /// assert_eq!(y.value()?, Tensor::from([[1.0, 2.0], [2.0, 3.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias("unfold", "extract_image_patches"))]
    #[track_caller]
    pub fn im2col(self, how: &Pool) -> Self {
        if self.is_poisoned() {
            return self;
        }
        let (shape, axes) = (self.shape(), how.sizes.len());
        let wrong = match shape.rank() > axes {
            _ if how.padding.len() != axes => format!("padding {:?} for windows {:?}", how.padding, how.sizes),
            _ if how.ceil => format!("windows {:?} that may reach beyond the padding", how.sizes),
            false => format!("{shape} has no channels beside {axes} axes"),
            true => String::new(),
        };
        if !wrong.is_empty() {
            return self.tape().error(Error::shape(format!("im2col: {wrong}")));
        }
        let first = shape.rank() - axes;
        let pads: SmallVec<[(usize, usize); 4]> =
            std::iter::repeat_n((0, 0), first).chain(how.padding.iter().copied()).collect();
        let windows = self.pad(&pads, 0.0).windows(&how.sizes, &how.strides, &how.dilations);
        if windows.is_poisoned() {
            return windows;
        }
        // Positions after the elements of windows.
        let order: AxisList = (0..first).chain(first + axes..first + 2 * axes).chain(first..first + axes).collect();
        let product = |sizes: &[usize]| Shape::from(sizes).numel();
        let rows = shape[first - 1].saturating_mul(product(&how.sizes));
        let positions = product(&windows.shape()[first..first + axes]);
        let columns = [&shape[..first - 1], &[rows, positions]].concat();
        windows.permute(&order[..]).reshape(&columns[..])
    }
}
