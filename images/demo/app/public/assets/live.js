// Asks again and again, and shows which replica answered: the load balancer at work.
"use strict";

const INTERVAL = 1000; // ms
const SHOWN = 60; // answers
const answers = [];

const show = (id, text) => {
    const element = document.getElementById(id);
    if (element) {
        element.textContent = text;
    }
};

const hue = (replica) => [...replica].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % 12;

const dot = (replica) => {
    const item = document.createElement("li");
    item.className = replica ? `hue-${hue(replica)}` : "failed";
    item.title = replica ?? "no answer";
    return item;
};

const legend = () => {
    const counts = new Map();
    for (const replica of answers) {
        counts.set(replica, (counts.get(replica) ?? 0) + 1);
    }
    return [...counts].sort().map(([replica, count]) => {
        const item = dot(replica);
        item.textContent = `${replica ?? "no answer"} ${count}`;
        return item;
    });
};

const draw = () => {
    document.getElementById("answers").replaceChildren(...answers.map(dot));
    document.getElementById("legend").replaceChildren(...legend());
};

const ask = async () => {
    try {
        const response = await fetch("/api/status", { signal: AbortSignal.timeout(5000) });
        if (!response.ok) {
            throw new Error(response.statusText);
        }
        const status = await response.json();
        answers.push(status.replica);
        const { hits, misses } = status.cache;
        show("database", `${status.database.milliseconds} ms`);
        show("cache", hits + misses ? `${Math.round((100 * hits) / (hits + misses))} %` : "unused");
        show("cache-counts", `${hits} hits, ${misses} misses`);
        if (status.cron) {
            show("cron", `${Math.round(status.cron.age)} s ago`);
            show("cron-replica", `on ${status.cron.replica}`);
            show("cron-count", `${status.cron.count} heartbeats`);
            document.getElementById("cron-state").className = status.cron.age < 15 ? "good" : "bad";
        }
    } catch {
        answers.push(null);
    }
    answers.splice(0, answers.length - SHOWN);
    draw();
    setTimeout(ask, INTERVAL);
};

ask();
