//! Matrix products, forward only.

use wengert::prelude::*;

use crate::data::normals;
use crate::measure::Course;

/// A product of two square matrices of size `n`.
pub fn matmul(course: &Course, n: usize) -> Result<()> {
    let (a, b) = (normals(340, [n, n], 1.0, DType::F32)?, normals(341, [n, n], 1.0, DType::F32)?);
    course.check_size("cabs", &a.matmul(&b)?)?;
    course.time(|| a.matmul(&b))
}
