//! What a program must reach: its own check, after which it says so or ends with an error.

use wengert::prelude::*;

/// Says that a value was reached.
///
/// # Errors
/// A value below the bound, or NaN.
pub fn at_least(name: &str, value: f64, bound: f64) -> Result<()> {
    if value >= bound {
        println!("reached: {name} is {value:.4}, at least {bound:.4}");
        return Ok(());
    }
    Err(Error::value(format!("{name} is {value:.4}, and should be at least {bound:.4}")))
}

/// Says that a value was reached, for values of which small ones are good.
///
/// # Errors
/// A value above the bound, or NaN.
pub fn at_most(name: &str, value: f64, bound: f64) -> Result<()> {
    if value <= bound {
        println!("reached: {name} is {value:.4e}, at most {bound:.4e}");
        return Ok(());
    }
    Err(Error::value(format!("{name} is {value:.4e}, and should be at most {bound:.4e}")))
}
