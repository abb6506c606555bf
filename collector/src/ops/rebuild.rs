//! `traza rebuild`: what is derived, dropped and derived again.

use std::{sync::Arc, time::Duration};

use sha2::{Digest as _, Sha256};

use super::{StoreOptions, open, progress, say};
use crate::{
    project::{
        directory::Directory,
        follow::{Follower, Progress},
    },
    store::{Store, StoreError, kv::KvStore},
};

/// Rebuilds every site, and says for each whether the same came out.
pub(super) async fn rebuild(options: &StoreOptions) -> anyhow::Result<()> {
    let settings = options.settle()?;
    let store: Arc<dyn Store> = Arc::new(KvStore::open(open(&settings)?)?);
    let directory = Arc::new(Directory::default());
    let (mut follower, reached) = Follower::new(Arc::clone(&store), Arc::clone(&directory));
    // What was stored and not derived yet is derived first: the two are of the same facts.
    catch_up(&mut follower, &reached, store.as_ref(), &directory, "catching up").await?;
    let mut before = Vec::new();
    for site in directory.sites() {
        before.push((site.number, site.slug.clone(), hash(store.as_ref(), site.number).await?));
        store.reset(site.number).await?;
    }
    let (mut follower, reached) = Follower::new(Arc::clone(&store), Arc::clone(&directory));
    catch_up(&mut follower, &reached, store.as_ref(), &directory, "deriving").await?;
    let mut differ = 0;
    for (number, slug, before) in before {
        let after = hash(store.as_ref(), number).await?;
        let verdict = if after == before { "the same" } else { "DIFFERENT" };
        differ += usize::from(after != before);
        say(&format!("{slug}: {} facts, before {before}, after {after}: {verdict}", store.head(number)))?;
    }
    store.close().await;
    if differ > 0 {
        // No error: what a newer version derives may differ, and what stands now is what it derives.
        say(
            "What differs was derived by another version, or was damaged; what is there now is derived from the facts.",
        )?;
    }
    Ok(())
}

/// Follows every log to its end, with a bar.
pub(super) async fn catch_up(
    follower: &mut Follower,
    reached: &Progress,
    store: &dyn Store,
    directory: &Directory,
    what: &str,
) -> Result<(), StoreError> {
    directory.refresh(store).await?;
    let total = directory.sites().iter().map(|site| store.head(site.number)).sum::<u64>();
    let bar = progress::bar(total.max(1), what);
    let work = follower.catch_up();
    tokio::pin!(work);
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    loop {
        tokio::select! {
            done = &mut work => {
                bar.finish_and_clear();
                return done;
            }
            _ = tick.tick() => bar.set_position(total.saturating_sub(reached.lag(store, directory))),
        }
    }
}

/// The SHA-256 of everything derived of a site, shortened for people.
async fn hash(store: &dyn Store, site: u32) -> Result<String, StoreError> {
    let digest = format!("{:x}", Sha256::digest(store.dump(site).await?));
    Ok(digest.get(..16).unwrap_or_default().to_owned())
}
