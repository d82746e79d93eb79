//! Pictures of how training went.

use std::path::Path;

use wengert::prelude::*;
use wengert_data::Csv;
use wengert_train::Curves;

/// Draws columns of the log in `folder` over the steps, as `curves.svg` there.
///
/// # Errors
/// A log that cannot be read; a column that there is not; what the file system refuses.
pub fn curves(folder: &Path, title: &str, names: &[&str]) -> Result<()> {
    let log = Csv::new().read(folder.join("log.csv"))?;
    let column = |name: &str| log.numbers_or([name], DType::F64, f64::NAN)?.to_vec::<f64>();
    let steps = column("step")?;
    let mut picture = Curves::new(title).labels("step", "");
    for name in names {
        // Most rows have other numbers only.
        let points = steps.iter().copied().zip(column(name)?).filter(|(_, value)| value.is_finite());
        picture = picture.curve(*name, points);
    }
    picture.save(folder.join("curves.svg"))
}
