//! What is made once in a run, however many ask for it.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

type Slot<V> = Arc<OnceCell<V>>;

/// Values by what they were made from. Whoever asks while one is being made waits for it, and for no other.
pub(crate) struct Once<K, V>(Mutex<Vec<(K, Slot<V>)>>);

impl<K, V> Default for Once<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + PartialEq, V: Clone> Once<K, V> {
    /// The value, which is made if nobody has asked for it before.
    pub(crate) async fn get(&self, key: &K, make: impl Future<Output = V>) -> V {
        self.slot(key).get_or_init(|| make).await.clone()
    }

    /// The same for what may fail; a failure is not kept, so the next one who asks tries again.
    pub(crate) async fn try_get<E>(&self, key: &K, make: impl Future<Output = Result<V, E>>) -> Result<V, E> {
        self.slot(key).get_or_try_init(|| make).await.cloned()
    }

    /// Has the next one who asks make it again.
    pub(crate) fn forget(&self, key: &K) {
        self.slots().retain(|(other, _)| other != key);
    }

    fn slot(&self, key: &K) -> Slot<V> {
        let mut slots = self.slots();
        if let Some((_, slot)) = slots.iter().find(|(other, _)| other == key) {
            return Arc::clone(slot);
        }
        let slot = Slot::default();
        slots.push((key.clone(), Arc::clone(&slot)));
        slot
    }

    fn slots(&self) -> std::sync::MutexGuard<'_, Vec<(K, Slot<V>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
