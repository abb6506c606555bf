//! Threads that may wait: what reads one thing after another does so on one thread, and not each on one that it is sent to and
//! back from. A lead's journey is some fifty reads, and a projector's step some for each visitor with news.

use std::{cell::Cell, future::Future};

use super::StoreError;

thread_local! {
    static MAY_WAIT: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread may wait.
pub(super) fn may_wait() -> bool {
    MAY_WAIT.get()
}

/// As long as it lives, its thread may wait; also where work ends in a panic, it does not go on to.
struct Waits;

impl Waits {
    fn begin() -> Self {
        MAY_WAIT.set(true);
        Self
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        MAY_WAIT.set(false);
    }
}

/// Does work on a thread that may wait, made there by `work`. It goes on to its end, also where nobody waits for it.
///
/// # Errors
/// Where the work came to an unexpected end.
pub async fn together<F>(work: impl FnOnce() -> F + Send + 'static) -> Result<F::Output, StoreError>
where
    F: Future<Output: Send + 'static>,
{
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let _waits = Waits::begin();
        runtime.block_on(work())
    })
    .await
    .map_err(|error| StoreError::Unavailable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::store::{Store as _, engine::Engine as _, kv::KvStore, memory::Memory};

    #[tokio::test]
    async fn reads_stay_on_their_thread_and_the_thread_forgets_that_it_might_wait() {
        let memory = Memory::default();
        memory.apply(vec![(vec![0x7f], Some(vec![1]))]).unwrap();
        let store = Arc::new(KvStore::open(memory).unwrap());
        let threads = Arc::new(Mutex::new(Vec::new()));
        let (of, seen) = (Arc::clone(&store), Arc::clone(&threads));
        together(move || async move {
            let note = || seen.lock().unwrap().push(std::thread::current().id());
            note();
            let noted = Arc::clone(&seen);
            of.blocking(move |_| {
                noted.lock().unwrap().push(std::thread::current().id());
                Ok(())
            })
            .await
            .unwrap();
            note();
        })
        .await
        .unwrap();
        let seen = threads.lock().unwrap().clone();
        assert!(seen.len() == 3 && seen.iter().all(|one| *one == seen[0]), "{seen:?}");

        // Whatever becomes of the work, the pool's threads do not believe afterwards that they may wait.
        assert!(together(|| async { panic!("on purpose") }).await.is_err());
        for _ in 0..8 {
            assert!(!tokio::task::spawn_blocking(may_wait).await.unwrap());
        }
        assert!(!may_wait());
        store.close().await;
    }
}
