//! What the sources of one run share: a stack's key is made once, whatever number of credentials need it.

use super::pulumi::{DataKey, Lock, Passphrase};
use super::{off_thread, one, outside};
use crate::aws::Way;
use crate::model::Problem;
use crate::once::Once;

/// What has been opened in this run.
pub struct Shared {
    aws: Way,
    keys: Once<Lock, Result<DataKey, Vec<Problem>>>,
}

impl Shared {
    /// Nothing has been opened yet; what is AWS's will be, by this way.
    #[must_use]
    pub fn new(aws: Way) -> Self {
        Self { aws, keys: Once::default() }
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
}
