//! Clients that write without pause, and one that watches.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::{AsyncBufReadExt as _, TryStreamExt as _};
use http::Request;
use kube::Client;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::ledger::{Event, Ledger, Number};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
/// How many objects a writer changes all the time.
const OBJECTS: u64 = 4;
/// How many dependents go with their owner.
const DEPENDENTS: usize = 3;

async fn send(client: &Client, method: &str, path: &str, body: &Value) -> Result<Value, kube::Error> {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    client.request(request.body(body).unwrap()).await
}

fn config_map(name: &str, number: Number, owner: Option<(&str, &str)>) -> Value {
    let mut map = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name },
        "data": { "number": number.to_string(), "filler": "x".repeat(filler(number)) },
    });
    if let Some((name, uid)) = owner {
        map["metadata"]["ownerReferences"] =
            json!([{ "apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": uid }]);
    }
    map
}

/// From nothing to several pages of the database.
fn filler(number: Number) -> usize {
    usize::try_from(number.wrapping_mul(2_654_435_761) % 12_000).unwrap()
}

fn revision(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
}

/// Name and content of an object, which has to be whole.
fn content(object: &Value) -> (String, Number) {
    let name = object["metadata"]["name"].as_str().unwrap().to_owned();
    let number = object["data"]["number"].as_str().unwrap().parse().unwrap();
    assert_eq!(object["data"]["filler"].as_str().unwrap().len(), filler(number), "{name} is torn");
    (name, number)
}

/// What is there now.
pub struct Present {
    pub revision: u64,
    pub objects: BTreeMap<String, (u64, Number)>,
    uids: BTreeMap<String, String>,
}

pub async fn present(client: &Client) -> Present {
    let list = send(client, "GET", MAPS, &Value::Null).await.unwrap();
    let mut present = Present { revision: revision(&list), objects: BTreeMap::new(), uids: BTreeMap::new() };
    for item in list["items"].as_array().unwrap() {
        let (name, number) = content(item);
        present.uids.insert(name.clone(), item["metadata"]["uid"].as_str().unwrap().to_owned());
        present.objects.insert(name, (revision(item), number));
    }
    present
}

/// A client that creates, replaces, deletes and reads objects of its own, one request after the other.
pub struct Writer {
    id: u64,
    written: u64,
    random: StdRng,
    /// What was acknowledged to be there.
    objects: BTreeMap<String, Number>,
    owner_uid: String,
    /// What the last request was to bring about; nobody knows whether it did.
    pending: Vec<(String, Option<Number>)>,
}

impl Writer {
    pub fn new(id: u64, seed: u64) -> Self {
        let random = StdRng::seed_from_u64(seed ^ id);
        Self { id, written: 0, random, objects: BTreeMap::new(), owner_uid: String::new(), pending: Vec::new() }
    }

    fn owner(&self) -> String {
        format!("writer-{}.owner", self.id)
    }

    /// After a restart: everything acknowledged is there, and the last request took effect as a whole or not at all.
    pub fn compare(&mut self, present: &Present) {
        let found = |name: &String| present.objects.get(name).map(|(_, number)| *number);
        let pending = std::mem::take(&mut self.pending);
        let before = pending.iter().all(|(name, _)| found(name) == self.objects.get(name).copied());
        let after = pending.iter().all(|(name, wanted)| found(name) == *wanted);
        assert!(before || after, "{pending:?} took effect in part: {:?}", present.objects);
        if after {
            for (name, wanted) in pending {
                self.note(&name, wanted);
            }
        }
        let mine = format!("writer-{}.", self.id);
        let names = present.objects.iter().filter(|(name, _)| name.starts_with(&mine));
        let there: BTreeMap<String, Number> = names.map(|(name, (_, number))| (name.clone(), *number)).collect();
        assert_eq!(there, self.objects);
        self.owner_uid = present.uids.get(&self.owner()).cloned().unwrap_or_default();
    }

    fn note(&mut self, name: &str, number: Option<Number>) {
        match number {
            Some(number) => _ = self.objects.insert(name.to_owned(), number),
            None => _ = self.objects.remove(name),
        }
    }

    /// Sends requests until the server is gone.
    pub async fn run(&mut self, client: &Client, ledger: &Mutex<Ledger>) {
        loop {
            let done = match self.random.random_range(0..10) {
                0 | 1 => self.family(client, ledger).await,
                2 => self.look(client, ledger).await,
                _ => self.single(client, ledger).await,
            };
            match done {
                Ok(()) => {}
                Err(kube::Error::Api(status)) => panic!("{status:?}"),
                Err(_) => return,
            }
        }
    }

    /// Creates, replaces or deletes one object.
    async fn single(&mut self, client: &Client, ledger: &Mutex<Ledger>) -> Result<(), kube::Error> {
        let name = format!("writer-{}.object-{}", self.id, self.random.random_range(0..OBJECTS));
        if !self.objects.contains_key(&name) {
            self.put(client, ledger, &name, "POST", None).await
        } else if self.random.random_ratio(1, 4) {
            self.delete(client, ledger, &name, vec![name.clone()]).await
        } else {
            self.put(client, ledger, &name, "PUT", None).await
        }
    }

    /// An owner, then its dependents, then all of them gone by one request.
    async fn family(&mut self, client: &Client, ledger: &Mutex<Ledger>) -> Result<(), kube::Error> {
        let owner = self.owner();
        if !self.objects.contains_key(&owner) {
            return self.put(client, ledger, &owner, "POST", None).await;
        }
        let names: Vec<String> =
            (0..DEPENDENTS).map(|number| format!("writer-{}.dependent-{number}", self.id)).collect();
        match names.iter().find(|name| !self.objects.contains_key(*name)) {
            Some(missing) => {
                let uid = self.owner_uid.clone();
                self.put(client, ledger, missing, "POST", Some((&owner, &uid))).await
            }
            None => self.delete(client, ledger, &owner, [vec![owner.clone()], names].concat()).await,
        }
    }

    async fn put(
        &mut self,
        client: &Client,
        ledger: &Mutex<Ledger>,
        name: &str,
        method: &str,
        owner: Option<(&str, &str)>,
    ) -> Result<(), kube::Error> {
        self.written += 1;
        let number = self.id * 1_000_000 + self.written;
        let path = if method == "PUT" { format!("{MAPS}/{name}") } else { MAPS.to_owned() };
        self.pending = vec![(name.to_owned(), Some(number))];
        let stored = send(client, method, &path, &config_map(name, number, owner)).await?;
        self.pending.clear();
        self.note(name, Some(number));
        if name == self.owner() {
            stored["metadata"]["uid"].as_str().unwrap().clone_into(&mut self.owner_uid);
        }
        ledger.lock().unwrap().tell(revision(&stored), name, number);
        Ok(())
    }

    /// Deletes one object; all of these go.
    async fn delete(
        &mut self,
        client: &Client,
        ledger: &Mutex<Ledger>,
        name: &str,
        all: Vec<String>,
    ) -> Result<(), kube::Error> {
        let highest = ledger.lock().unwrap().highest_of(&all);
        self.pending = all.into_iter().map(|name| (name, None)).collect();
        send(client, "DELETE", &format!("{MAPS}/{name}"), &Value::Null).await?;
        for (name, _) in std::mem::take(&mut self.pending) {
            self.note(&name, None);
            ledger.lock().unwrap().deleted.push((name, highest));
        }
        Ok(())
    }

    /// Reads what others have written.
    async fn look(&mut self, client: &Client, ledger: &Mutex<Ledger>) -> Result<(), kube::Error> {
        let list = send(client, "GET", MAPS, &Value::Null).await?;
        let mut ledger = ledger.lock().unwrap();
        for item in list["items"].as_array().unwrap() {
            let (name, number) = content(item);
            ledger.tell(revision(item), &name, number);
        }
        Ok(())
    }
}

/// Watches from where the ledger ends until the server is gone, or until this revision was heard.
pub async fn watch(client: Client, ledger: Arc<Mutex<Ledger>>, from: u64, until: u64) {
    let path = format!("{MAPS}?watch=true&resourceVersion={from}");
    let request = Request::builder().uri(path).body(Vec::new()).unwrap();
    let Ok(stream) = client.request_stream(request).await else { return };
    let mut lines = std::pin::pin!(stream.lines());
    while let Ok(Some(line)) = lines.try_next().await {
        // The last line may have been cut off with the connection.
        let Ok(frame) = serde_json::from_str::<Value>(&line) else { return };
        let (kind, object) = (frame["type"].as_str().unwrap(), &frame["object"]);
        assert!(matches!(kind, "ADDED" | "MODIFIED" | "DELETED"), "{frame}");
        let (name, number) = content(object);
        let event = Event { revision: revision(object), name, number: (kind != "DELETED").then_some(number) };
        let mut ledger = ledger.lock().unwrap();
        ledger.hear(event);
        if ledger.last_heard() >= until {
            return;
        }
    }
}
