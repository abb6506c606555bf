//! What people see while something long goes on: a bar on a terminal, nothing in a log or a pipe.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar of so many steps; a moving mark and a count where nobody knows how many.
pub(super) fn bar(total: u64, what: &str) -> ProgressBar {
    let (bar, template) = if total == 0 {
        (ProgressBar::new_spinner(), "{msg} {spinner} {human_pos} ({elapsed})")
    } else {
        (ProgressBar::new(total), "{msg} {wide_bar} {human_pos}/{human_len} ({eta})")
    };
    // Hides itself where standard error is no terminal.
    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
