//! Ctrl-C, as a wish to stop after the present step.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use wengert_tensor::{Error, Result};

static WANTED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C (SIGINT, and SIGTERM on Unix) is a wish that [`wanted`] tells of; a second one ends the process at once.
///
/// # Errors
/// Where the system does not let it.
pub(crate) fn listen() -> Result<()> {
    static LISTENING: OnceLock<std::result::Result<(), String>> = OnceLock::new();
    let heard = || {
        if WANTED.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    };
    let outcome = LISTENING.get_or_init(|| ctrlc::set_handler(heard).map_err(|error| error.to_string()));
    outcome.clone().map_err(|error| Error::value(format!("train: cannot listen to Ctrl-C: {error}")))
}

/// Whether somebody wants training to stop. Asking takes the wish back.
pub(crate) fn wanted() -> bool {
    WANTED.swap(false, Ordering::SeqCst)
}
