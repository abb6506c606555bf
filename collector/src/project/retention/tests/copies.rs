//! A store that is taken into another.

use super::*;
use crate::store::Carried;

/// Takes all of a store into an empty one.
pub(super) async fn carried(store: &dyn Store) -> (Memory, Arc<dyn Store>) {
    let memory = Memory::default();
    let other: Arc<dyn Store> = Arc::new(KvStore::open(memory.clone()).unwrap());
    let marks = store.mark().await.unwrap();
    let rows = store.belongings(Vec::new(), usize::MAX).await.unwrap();
    let mut entries = Vec::new();
    for site in [HOUSE, SITE] {
        entries
            .extend(store.read(site, 0, usize::MAX).await.unwrap().into_iter().map(|stored| (site, stored)));
    }
    other.take(Carried { rows, entries, marks: Vec::new() }).await.unwrap();
    other.take(Carried { marks, ..Carried::default() }).await.unwrap();
    follow(&other).await;
    (memory, other)
}
