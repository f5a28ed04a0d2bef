//! A panic is a bug, whatever the user gave; say so, and how to report it.

use std::panic;

/// Replaces the message of panics.
pub(crate) fn install() {
    let default = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        default(panic);
        crate::talk::line(
            "this is a bug in ocelli, please report it with the lines above and the command;\n\
             RUST_BACKTRACE=1 adds where it happened",
        );
    }));
}
