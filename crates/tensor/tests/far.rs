//! Memory beyond the caches: what is written past them is what was to be written.

use proptest::prelude::*;
use wengert_tensor::kernel::far::writing;
use wengert_tensor::{DType, Data, DataMut, Storage};

proptest! {
    #[test]
    fn what_is_written_past_the_caches_is_there(n in 0..300usize, at in 0..40usize, whole: bool) {
        // Whole lines, and others.
        let (n, at) = if whole { (n / 16 * 16, at / 16 * 16) } else { (n, at) };
        let x: Vec<f32> = (0..n).map(|i| i as f32).collect();
        let mut out = Storage::zeros(DType::F32, n + 50).unwrap();
        let copied = writing(|writer| writer.copy(Data::F32(&x), out.data_mut().range(at..at + n)));
        prop_assert!(copied.is_ok());
        let want: Vec<f32> = [vec![0.0; at], x, vec![0.0; 50 - at]].concat();
        prop_assert!(matches!(out.data(), Data::F32(out) if out == want));
    }
}

#[test]
fn elements_of_every_dtype_are_copied() {
    let mut truths = [false; 64];
    let mut integers = [0; 64];
    writing(|writer| {
        writer.copy(Data::Bool(&[true; 64]), DataMut::Bool(&mut truths)).unwrap();
        writer.copy(Data::I64(&[7; 64]), DataMut::I64(&mut integers)).unwrap();
        assert!(writer.copy(Data::I64(&[7; 63]), DataMut::I64(&mut integers)).is_err());
        assert!(writer.copy(Data::F64(&[7.0; 64]), DataMut::I64(&mut integers)).is_err());
    });
    assert_eq!((truths, integers), ([true; 64], [7; 64]));
}
