//! Logs in files: CSV for spreadsheets, JSON lines for programs, event files for TensorBoard.
//!
//! Each touches its file when the first report comes, and replaces an older one; or, when it is resumed, goes on with the older one
//! after a step: what was logged of later steps is taken away, also a line that was cut off by the end of a
//! process. So a run that was stopped and resumed leaves the same table as one that never stopped.
//!
//! Numbers are written with as many digits as it takes to read back the same bits.

mod csv;
mod jsonl;
mod lines;
mod tensorboard;

pub use self::csv::CsvLog;
pub use jsonl::JsonlLog;
pub use tensorboard::TensorBoard;
