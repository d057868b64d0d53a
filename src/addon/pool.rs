//! Threads for what takes time and waits for most of it, and not libuv's four, which Node's own files and names need. That the event
//! loop's thread gets its turn when hundreds of launches are asked for at once is seen to in `src/api/turns.ts`.

use std::{
    collections::VecDeque,
    io,
    sync::{Condvar, Mutex, PoisonError},
    thread,
};

type Job = Box<dyn FnOnce() + Send>;

pub struct Pool {
    /// The most threads.
    most: usize,
    queue: Mutex<Queue>,
    filled: Condvar,
}

struct Queue {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

/// For what makes and removes containers and processes, and looks into them. A hook or a file system may make it hang: so many, until
/// others have to wait.
pub static LAUNCHES: Pool = Pool::new(32);

/// For what is soon done, and may be asked for by a hook of a launch that waits for it.
pub static SHORT: Pool = Pool::new(4);

impl Pool {
    const fn new(most: usize) -> Self {
        let queue = Queue { jobs: VecDeque::new(), threads: 0, idle: 0 };
        Self { most, queue: Mutex::new(queue), filled: Condvar::new() }
    }

    /// Has a job done, now or when its turn comes. Fails when there is no thread to be had at all.
    pub fn run(&'static self, job: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.idle <= queue.jobs.len() && queue.threads < self.most {
            match thread::Builder::new().name("gantry".into()).spawn(|| self.work()) {
                Ok(_) => queue.threads += 1,
                Err(error) if queue.threads == 0 => return Err(error),
                // The others will come to it.
                Err(_) => {}
            }
        }
        queue.jobs.push_back(Box::new(job));
        // First let go: whoever wakes up takes it at once.
        drop(queue);
        self.filled.notify_one();
        Ok(())
    }

    fn work(&self) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match queue.jobs.pop_front() {
                Some(job) => {
                    drop(queue);
                    job();
                    queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
                }
                None => {
                    queue.idle += 1;
                    queue = self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
                    queue.idle -= 1;
                }
            }
        }
    }
}
