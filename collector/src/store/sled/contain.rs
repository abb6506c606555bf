//! sled panics where it finds its files damaged (its issue 1410). Here, and nowhere else, a panic becomes an error: a
//! damage is the operator's business, who needs one line that says what to do, and not the end of a thread.

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Once,
};

use crate::store::StoreError;

thread_local! {
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs a call into sled. What it panics with is returned, and not printed.
///
/// A call that panicked half-way leaves sled's own state as it may be: the caller answers with an error, and the store
/// is closed and opened again, or restored.
pub(super) fn contain<T>(call: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !CONTAINED.get() {
                return before(panic);
            }
            let text = panic.payload_as_str().unwrap_or("it stopped").lines().next().unwrap_or_default();
            SAID.set(text.chars().take(200).collect());
        }));
    });
    let outside = CONTAINED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(call));
    CONTAINED.set(outside);
    outcome.unwrap_or_else(|_| Err(StoreError::Damaged(SAID.take())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_inside_becomes_a_damage_and_the_thread_goes_on() {
        let outcome = contain::<()>(|| panic!("bad page\nand more"));
        assert!(matches!(outcome, Err(StoreError::Damaged(what)) if what == "bad page"));
        assert!(matches!(contain(|| Ok(7)), Ok(7)));
    }
}
