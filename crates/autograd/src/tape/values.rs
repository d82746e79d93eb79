//! The values that are known of a tape's variables.

use std::ops::Index;

use wengert_tensor::Tensor;

/// For every variable its value, if that is known.
#[derive(Default)]
pub(crate) struct Values(
    /// As far as the last that is known.
    Vec<Option<Tensor>>,
);

impl Values {
    pub fn set(&mut self, i: usize, value: Tensor) {
        if self.0.len() <= i {
            self.0.resize_with(i + 1, || None);
        }
        self.0[i] = Some(value);
    }

    /// No values; the memory for them stays, unless it is much.
    pub fn clear(&mut self) {
        self.0.clear();
        self.0.shrink_to(1 << 14);
    }
}

impl Index<usize> for Values {
    type Output = Option<Tensor>;

    fn index(&self, i: usize) -> &Option<Tensor> {
        self.0.get(i).unwrap_or(&None)
    }
}
