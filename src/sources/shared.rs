//! What the sources of one run share: a stack's key is made once, and the `pulumi` program is asked once,
//! whatever number of credentials need it.

use crate::model::Problem;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::pulumi::{Config, DataKey, Lock, Passphrase, Question};
use super::{off_thread, one, outside};
use crate::aws::Way;

/// What has been opened in this run.
pub struct Shared {
    aws: Way,
    keys: Once<Lock, DataKey>,
    configs: Once<Question, Arc<Config>>,
}

impl Shared {
    /// Nothing has been opened yet; what is AWS's will be, by this way.
    #[must_use]
    pub fn new(aws: Way) -> Self {
        Self { aws, keys: Once::default(), configs: Once::default() }
    }

    pub(super) fn aws(&self) -> &Way {
        &self.aws
    }

    /// The key of a stack. A passphrase's takes a processor up to a second; one of AWS is a request.
    pub(super) async fn key(
        &self,
        lock: &Lock,
        passphrase: Option<&Passphrase>,
    ) -> Result<DataKey, Vec<Problem>> {
        let make = async {
            match (lock, passphrase) {
                (Lock::Passphrase(lock), Some(passphrase)) => {
                    let (lock, passphrase) = (lock.clone(), passphrase.clone());
                    off_thread(move || lock.unlock(&passphrase)).await?.map_err(one)
                }
                (Lock::Passphrase(lock), None) => Err(one(lock.no_passphrase())),
                (Lock::AwsKms(lock), _) => lock.unlock(&self.aws).await.map_err(outside),
            }
        };
        self.keys.get(lock, make).await
    }

    /// A stack's configuration, as the `pulumi` program tells it.
    pub(super) async fn config(&self, question: &Question) -> Result<Arc<Config>, Vec<Problem>> {
        let ask = async { question.ask().await.map(Arc::new).map_err(outside) };
        self.configs.get(question, ask).await
    }
}

type Slot<V> = Arc<OnceCell<Result<V, Vec<Problem>>>>;

struct Once<K, V>(Mutex<Vec<(K, Slot<V>)>>);

impl<K, V> Default for Once<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + PartialEq, V: Clone> Once<K, V> {
    async fn get(
        &self,
        key: &K,
        make: impl Future<Output = Result<V, Vec<Problem>>>,
    ) -> Result<V, Vec<Problem>> {
        let slot = self.slot(key);
        slot.get_or_init(|| make).await.clone()
    }

    fn slot(&self, key: &K) -> Slot<V> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, slot)) = slots.iter().find(|(other, _)| other == key) {
            return Arc::clone(slot);
        }
        let slot = Slot::default();
        slots.push((key.clone(), Arc::clone(&slot)));
        slot
    }
}
