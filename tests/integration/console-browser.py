#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Uses the console as people and as other pages do: the steps of console-browser.sh.

    console-browser.py STEP PORT WORD...

Every step has a browser of its own, whose log must be empty at the end, but for answers that
are no success.
"""
import http.server
import json
import os
import subprocess
import sys
import threading
import time

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

PATIENCE = 20 * float(os.environ.get("REQD_TEST_PATIENCE", "1"))
FLAGS = ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
         "--no-first-run", "--window-size=1280,900", "--disable-background-networking",
         "--host-resolver-rules=MAP evil.test 127.0.0.1")


def check(got, wanted):
    if got != wanted:
        sys.exit("got %r, not %r" % (got, wanted))


def until(what, condition, times=1):
    """Waits for a condition; elements may come and go meanwhile."""
    end = time.monotonic() + PATIENCE * times
    while True:
        try:
            value = condition()
        except Exception as e:      # the page is being drawn
            value = None
            last = e
        else:
            last = value
        if value:
            return value
        if time.monotonic() > end:
            sys.exit("waited in vain: %s (%s)" % (what, last))
        time.sleep(0.05)


class Page:
    def __init__(self, port):
        options = webdriver.ChromeOptions()
        for flag in FLAGS + (("--no-sandbox",) if os.getuid() == 0 else ()):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.at = "http://127.0.0.1:%d/" % int(port)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None and kind is not SystemExit:
            print(self.driver.find_element(By.TAG_NAME, "body").text)
        self.driver.quit()

    def ids(self, name):
        return self.driver.find_element(By.ID, name)

    def text(self, name):
        return self.ids(name).text

    def is_open(self, name):
        return self.ids(name).get_attribute("open") is not None

    def open(self, service=""):
        self.driver.get(self.at + ("#/" + service if service else ""))
        if service:
            until(service, lambda: self.text("name") == service)
        else:
            until("services", lambda: self.driver.find_elements(By.CSS_SELECTOR, "#services a"))

    def services(self):
        return [e.text for e in self.driver.find_elements(By.CSS_SELECTOR, "#services b")]

    def control(self, name, n=0):
        return self.driver.find_elements(
            By.CSS_SELECTOR, "[data-argument=%s] input, [data-argument=%s] select" % (name, name))[n]

    def error(self, name):
        return self.driver.find_element(
            By.CSS_SELECTOR, "[data-argument=%s] .error" % name).text

    def fill(self, values):
        for name, value in values.items():
            for n, one in enumerate(value if isinstance(value, list) else [value]):
                if n > 0:
                    self.driver.find_element(
                        By.XPATH, "//*[@data-argument='%s']//button[.='Add another']" % name).click()
                control = self.control(name, n)
                if one is True:
                    control.click()
                elif control.tag_name == "select":
                    Select(control).select_by_value(one)
                else:
                    control.clear()
                    control.send_keys(one)

    def run(self, answer="ask-yes"):
        """Presses Run, and answers the question, if there is one. True: there was."""
        n = len(self.driver.find_elements(By.CLASS_NAME, "call"))
        self.ids("run").click()
        until("a call, a question or an error", lambda: self.is_open("ask") or
              len(self.driver.find_elements(By.CLASS_NAME, "call")) > n or
              any(e.is_displayed() for e in self.driver.find_elements(By.CLASS_NAME, "error")))
        if not self.is_open("ask"):
            return False
        self.ids(answer).click()
        return True

    def outcome(self):
        return until("an outcome", lambda: self.text("outcome-text") not in ("", "Running") and
                     self.text("outcome-text"))

    def output(self):
        return self.ids("output").get_attribute("textContent")

    def active(self):
        return self.driver.switch_to.active_element

    def check_log(self, *expected):
        for entry in self.driver.get_log("browser"):
            if entry["source"] != "network" or "the server responded with a status of" not in \
                    entry["message"]:
                sys.exit("the browser says: %r" % entry)
            # The page asks once for figures.
            if "/status - " not in entry["message"] and \
                    not any(" %d " % status in entry["message"] for status in expected):
                sys.exit("the browser says: %r" % entry)


# -------------------------------------------------------------------- people ---

def types(port):
    values = {"t": "it's <b> & \"q\" $HOME", "i": "7", "d": "-1.5", "f": True, "c": "green",
              "n": "some_name", "s": "2M", "u": "5m", "p": "/usr/bin", "h": "::1", "x": "abc",
              "r": ["one", "two words"]}
    with Page(port) as page:
        page.open()
        check(page.services(), sorted(page.services()))
        check("all" in page.services(), True)
        page.open("all")
        check(page.text("summary"), "Every type of argument")
        check(Select(page.control("c")).options[1].text, "red")
        check(page.control("k").get_attribute("type"), "password")
        page.fill(values)
        page.run()
        check(page.outcome(), "Succeeded")
        out = page.output()
        for wanted in ("[it's <b> & \"q\" $HOME]", "[7]", "[-1.5]", "[--force]", "[green]",
                       "[some_name]", "[::1]", "[abc]", "[one][two words]"):
            if wanted not in out:
                sys.exit("no %s in %r" % (wanted, out))
        # The lines do the same.
        for line in ("reqctl-line", "curl-line"):
            command = page.ids(line).get_attribute("textContent")
            check(subprocess.run(["sh", "-c", command], capture_output=True, text=True).stdout, out)
        page.fill({"k": "hush"})
        for line in ("reqctl-line", "curl-line"):
            check("hush" in page.text(line), False)
        # Typed text is there after a look at another service.
        page.open("who" if "who" in page.services() else "fail")
        page.open("all")
        check(page.control("n").get_attribute("value"), "some_name")
        page.run()
        check(page.outcome(), "Succeeded")
        check(len(page.driver.find_elements(By.CLASS_NAME, "call")), 2)
        page.check_log()


def wrong(port):
    with Page(port) as page:
        page.open("all")
        page.run()
        check(page.error("t"), "A value is needed.")
        check(page.active().get_attribute("id"), page.control("t").get_attribute("id"))
        check(page.driver.find_elements(By.CLASS_NAME, "call"), [])
        page.fill({"t": "x", "i": "77", "c": "red"})
        page.run()
        until("an error", lambda: page.error("i"))
        check("9" in page.error("i"), True)
        check(page.control("i").get_attribute("aria-invalid"), "true")
        check(page.error("t"), "")
        check(page.active().get_attribute("id"), page.control("i").get_attribute("id"))
        check(page.outcome(), "Not run: an argument is wrong")
        page.fill({"i": "3", "p": "/etc"})
        page.run()
        until("an error", lambda: page.error("p"))
        check(page.error("i"), "")
        page.fill({"p": "/usr"})
        page.run()
        until("success", lambda: page.text("outcome-text") == "Succeeded")
        check(page.error("p"), "")
        page.check_log(422)


def lines_of(path):
    with open(path, encoding="ascii") as f:
        return len(f.readlines())


def asks(port, ran):
    with Page(port) as page:
        page.open("note")
        check(page.run("ask-no"), True)
        check(page.driver.find_elements(By.CLASS_NAME, "call"), [])
        check(lines_of(ran), 0)
        check(page.run(), True)
        check(page.outcome(), "Succeeded")
        check(page.output(), "noted\n")
        check(lines_of(ran), 1)
        page.check_log()


def live(port, gate):
    with Page(port) as page:
        page.open("ticks")
        page.run()
        until("both lines", lambda: page.output() == "one\ntwo\n" or page.output() == "two\none\n")
        check(page.text("outcome-text"), "Running")
        check(page.driver.find_element(By.CSS_SELECTOR, "#output .err").text, "two")
        with open(gate, "w", encoding="ascii") as f:
            f.write("three\n")
        check(page.outcome(), "Succeeded")
        check(page.output().endswith("three\n"), True)
        for word in ("Exit status", "Began", "Took", "Id", "standard error"):
            check(word in page.text("times"), True)
        page.check_log()


def cancel(port):
    with Page(port) as page:
        page.open("sleep")
        page.run()
        until("Cancel", lambda: page.ids("cancel").is_enabled())
        page.ids("cancel").click()
        check(page.outcome(), "Cancelled")
        check(page.ids("cancel").is_enabled(), False)
        page.check_log()


def input_(port, path):
    with Page(port) as page:
        page.open("cat")
        page.run()
        check(page.outcome(), "Succeeded")
        check(page.text("output"), "No output.")
        page.driver.find_element(By.CSS_SELECTOR, "input[value=Text]").click()
        page.driver.find_element(By.TAG_NAME, "textarea").send_keys("a 'b'\ncafé")
        page.run()
        until("the text", lambda: page.output() == "a 'b'\ncafé")
        for line in ("reqctl-line", "curl-line"):
            command = page.ids(line).get_attribute("textContent")
            check(subprocess.run(["sh", "-c", command], capture_output=True).stdout.decode(), page.output())
        page.driver.find_element(By.CSS_SELECTOR, "input[value=File]").click()
        page.run()
        until("a word about the file", lambda: "Choose a file." in page.text("fields"))
        page.driver.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys(os.path.abspath(path))
        page.run()
        with open(path, encoding="utf-8") as f:
            text = f.read()
        until("the file", lambda: page.output() == text)
        page.check_log()


def outcomes(port):
    with Page(port) as page:
        page.open("fail")
        page.run()
        check(page.outcome(), "Failed with exit status 3")
        check(page.output(), "out\nwrong\n")
        page.open("map")
        page.run()
        check(page.outcome(), "Succeeded")
        check(json.loads(page.output()), {"answer": 42, "rest": ["x"]})
        page.open("error")
        page.run()
        check(page.outcome(), "The handler answered with an error")
        check(page.text("detail"), "that is odd")
        page.open("odd")
        page.run()
        check(page.outcome(), "Succeeded")
        check(page.output(), "<img src=x onerror=alert(1)>\u241b[1m\n")
        check(page.driver.find_elements(By.CSS_SELECTOR, "#output img"), [])
        page.open("once")
        page.run()
        check(page.outcome(), "Succeeded")
        page.open("much")
        page.run()
        check(page.outcome(), "Succeeded")
        until("the end", lambda: page.output().endswith("\n400000\n"))
        check(page.output().startswith("1."), True)
        check("before this are not kept." in page.output(), True)
        if len(page.output()) > (1 << 20) + 100:
            sys.exit("%d characters are kept" % len(page.output()))
        # The calls of this page can be looked at again.
        page.driver.find_elements(By.CLASS_NAME, "call")[-1].click()
        until("the first call", lambda: page.output() == "out\nwrong\n")
        check(page.text("name"), "fail")
        page.check_log(500)


def token(port, path):
    with open(path, encoding="ascii") as f:
        secret = f.read().strip()
    with Page(port) as page:
        page.open()
        check("who" in page.services(), False)
        page.driver.get(page.at + "#/who")
        until("the question", lambda: page.is_open("login"))
        page.ids("token").send_keys("wrong" + Keys.ENTER)
        until("the next question", lambda: page.is_open("login") and
              "lets nobody in" in page.text("login-why"))
        page.ids("token").send_keys(secret + Keys.ENTER)
        until("who", lambda: page.text("name") == "who")
        page.run()
        until("the outcome", lambda: page.text("outcome-text") == "Succeeded")
        check(page.output(), "login:alice\n")
        check(secret in page.driver.page_source, False)
        check("$TOKEN" in page.text("curl-line"), True)
        page.driver.refresh()
        until("who", lambda: page.text("name") == "who")
        until("the list", lambda: "who" in page.services())
        check("login:alice" in page.text("who"), True)
        page.ids("token-button").click()
        until("the question", lambda: page.is_open("login"))
        page.ids("login-no").click()
        until("the list", lambda: page.services() and "who" not in page.services())
        check(page.driver.execute_script("return sessionStorage.length + localStorage.length + "
                                         "document.cookie.length"), 0)
        page.check_log(401)


def keyboard(port, ran):
    before = lines_of(ran)
    with Page(port) as page:
        page.open()

        def press(*keys):
            page.active().send_keys(*keys)

        def tab_to(name):
            for _ in range(40):
                if page.active().get_attribute("id") == name:
                    return
                press(Keys.TAB)
            sys.exit("no way to " + name)

        press("/")
        check(page.active().get_attribute("id"), "filter")
        press("trace")
        check(page.services(), ["note"])
        press(Keys.ARROW_DOWN)
        check(page.active().get_attribute("href"), page.at + "#/note")
        press(Keys.ENTER)
        until("note", lambda: page.text("name") == "note" and
              page.active().get_attribute("id") == "name")
        tab_to("run")
        check(page.driver.execute_script(
            "return getComputedStyle(document.activeElement).outlineStyle"), "solid")
        press(Keys.ENTER)
        until("the question", lambda: page.is_open("ask"))
        check(page.active().get_attribute("id"), "ask-no")
        press(Keys.ESCAPE)
        until("its end", lambda: not page.is_open("ask"))
        check(page.active().get_attribute("id"), "run")
        press(Keys.ENTER)
        until("the question", lambda: page.is_open("ask"))
        tab_to("ask-yes")
        press(Keys.ENTER)
        check(page.outcome(), "Succeeded")
        check(lines_of(ran), before + 1)
        press("/")
        press(Keys.ESCAPE, "sleep", Keys.ENTER)
        until("sleep", lambda: page.text("name") == "sleep" and
              page.active().get_attribute("id") == "name")
        tab_to("run")
        press(Keys.ENTER)
        until("it runs, or a question", lambda: page.is_open("ask") or page.ids("cancel").is_enabled())
        if page.is_open("ask"):
            tab_to("ask-yes")
            press(Keys.ENTER)
        until("it runs", lambda: page.ids("cancel").is_enabled())
        tab_to("cancel")
        press(Keys.ENTER)
        check(page.outcome(), "Cancelled")
        page.check_log()


# Figures, as those who may watch get them. They come from the browser itself.
STATUS = """
let asked = 0;
const ask = window.fetch;
window.fetch = (path, options) => path !== "/status" || !window.name.startsWith("watch") ? ask(path, options) :
  Promise.resolve(new Response(JSON.stringify({ version: "1.2", state: "serving", generation: 3,
    workers: [{ slot: 0, connections: 7, requests: ++asked, running: 2 }],
    web: [{ slot: 0, connections: 1, requests: 9, running: 1 }], running: 3, queued: 0,
    listeners: [{ url: "http://127.0.0.1:8080", connections: 1 }],
    services: [{ name: "disk", unavailable: null, calls: 11, failed: 1, rejected: 2, p50_usec: 6143, p99_usec: 2000000,
      queue_p99_usec: 223, outcomes: {} },
      { name: "model", unavailable: "no program", calls: 0, failed: 0, rejected: 0, p50_usec: 0, p99_usec: 0,
      queue_p99_usec: 0, pool: { processes: 4, busy: 1, failing: false } }] })));
"""


def figures(port, shots):
    with Page(port) as page:
        page.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": STATUS})
        page.open()
        check(page.ids("server").is_displayed(), False)
        page.driver.execute_script("window.name = 'watch'")
        page.driver.refresh()
        until("the figures", lambda: page.ids("server").is_displayed())
        rows = [e.text for e in page.driver.find_elements(By.CSS_SELECTOR, "#figures tbody tr")]
        check(rows[:2], ["disk 11 1 2 6.1 ms 2 s 223 \u00b5s", "model 0 0 0 1 of 4 busy no program"])
        check(rows[3:], ["HTTP 0 1 9 1", "http://127.0.0.1:8080 1"])
        until("new figures", lambda: "RESP 0 7 2 2" in page.text("figures"))
        if shots:
            page.driver.save_screenshot(shots + "/figures.png")
        page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": 360, "height": 760, "deviceScaleFactor": 1, "mobile": False})
        check(page.driver.execute_script("return document.documentElement.scrollWidth"), 360)
        check(page.driver.execute_script(FAINT), [])
        page.check_log()


# Texts that do not stand out enough: their contrast, their colours, their words.
FAINT = """
const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255)
  .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
const parse = text => text.match(/[\\d.]+/g).map(Number);
const faint = [];
for (const e of document.querySelectorAll("body *")) {
  if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !e.checkVisibility() ||
      e.disabled || e.closest("script, noscript"))
    continue;
  let at = e;
  while (at && (parse(getComputedStyle(at).backgroundColor)[3] ?? 1) === 0)
    at = at.parentElement;
  const back = at ? parse(getComputedStyle(at).backgroundColor) : [255, 255, 255];
  const [light, dark] = [luminance(parse(getComputedStyle(e).color)), luminance(back)].sort((a, b) => b - a);
  if ((light + .05) / (dark + .05) < 4.5)
    faint.push([(light + .05) / (dark + .05), e.tagName, e.textContent.slice(0, 40)]);
}
return faint;
"""

# Controls without a name that is read out, or out of sight.
NAMELESS = """
const bad = [];
for (const e of document.querySelectorAll("input, select, textarea, button, a, [tabindex='0']")) {
  if (!e.checkVisibility() || e.className === "skip")
    continue;
  const name = e.getAttribute("aria-label") || (e.labels && e.labels[0] && e.labels[0].textContent.trim()) ||
    e.textContent.trim();
  const box = e.getBoundingClientRect();
  if (!name || box.left < 0 || box.right > innerWidth + .5 || box.width < 16 || box.height < 16)
    bad.push([e.tagName, e.id, name, box.left, box.right, box.height]);
}
return bad;
"""


def looks(port, shots):
    with Page(port) as page:
        def look(width, height, scheme, name):
            page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
                "width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
            page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
                {"name": "prefers-color-scheme", "value": scheme},
                {"name": "prefers-reduced-motion", "value": "reduce"}]})
            until("the width", lambda: page.driver.execute_script("return innerWidth") == width)
            check(page.driver.execute_script("return document.documentElement.scrollWidth"), width)
            check(page.driver.execute_script(FAINT), [])
            check(page.driver.execute_script(NAMELESS), [])
            check(page.driver.execute_script("return document.getAnimations().length"), 0)
            check(page.driver.execute_script(
                "return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)",
                scheme == "light")
            if shots:
                page.driver.save_screenshot("%s/%s-%d-%s.png" % (shots, name, width, scheme))

        def look_everywhere(name):
            for width, height in ((360, 760), (768, 1000), (1280, 900)):
                for scheme in ("light", "dark"):
                    look(width, height, scheme, name)

        page.open()
        look_everywhere("start")
        look(360, 760, "light", "start")
        page.driver.find_element(By.PARTIAL_LINK_TEXT, "note").click()
        until("note", lambda: page.text("name") == "note")
        check(page.ids("filter").is_displayed(), False)
        page.ids("run").send_keys("/")
        until("the filter", lambda: page.active().get_attribute("id") == "filter")
        page.open("all")
        page.run()
        page.fill({"t": "a text that is much longer than its field " * 3, "i": "x", "c": "red"})
        page.run()
        until("an error", lambda: page.error("i"))
        look_everywhere("wrong")
        page.open("sleep")
        page.run()
        until("Cancel", lambda: page.ids("cancel").is_enabled())
        look_everywhere("runs")
        page.ids("cancel").click()
        page.open("fail")
        page.run()
        page.outcome()
        look_everywhere("fails")
        page.open("note")
        page.ids("run").click()
        until("the question", lambda: page.is_open("ask"))
        look_everywhere("asks")
        page.ids("ask-no").click()
        page.ids("token-button").click()
        look_everywhere("token")
        page.check_log(422, 500)


# --------------------------------------------------------------- other pages ---

EVIL = b"""<!doctype html><title>evil</title><body><script>
const wait = ms => new Promise(resolve => setTimeout(resolve, ms));
const event = (target, names) => Promise.race([...names.map(name =>
  new Promise(resolve => target.addEventListener(name, () => resolve(name), { once: true }))),
  wait(5000).then(() => "silence")]);
const made = (tag, values) => Object.assign(document.createElement(tag), values);

async function attack(at) {
  const log = [];
  const attempt = async (name, fn) => {
    let end;
    try {
      end = await fn();
    } catch (e) {
      end = e.name;
    }
    log.push(name + ": " + end);
  };
  for (const service of ["note", "look", "peek"]) {
    const url = at + "/call/" + service;
    for (const method of ["POST", "GET"]) {
      for (const mode of ["cors", "no-cors", "same-origin"])
        for (const credentials of ["omit", "include"])
          await attempt([method, mode, credentials, service].join(" "), async () => {
            const answer = await fetch(url, { method, mode, credentials, cache: "no-store" });
            return answer.type + " " + answer.status;
          });
    }
    await attempt("JSON " + service, async () => (await fetch(url, { method: "POST", body: "{}",
      headers: { "Content-Type": "application/json" } })).status);
    await attempt("no referrer " + service, async () => (await fetch(url, { method: "POST",
      mode: "no-cors", referrerPolicy: "no-referrer" })).type);
    await attempt("keepalive " + service, async () => (await fetch(url, { method: "POST",
      mode: "no-cors", keepalive: true })).type);
    await attempt("beacon " + service, () => navigator.sendBeacon(url, new Blob(["x=y"],
      { type: "application/x-www-form-urlencoded" })));
    for (const enctype of ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"])
      for (const method of ["post", "get"])
        await attempt("form " + enctype + " " + method + " " + service, async () => {
          const frame = made("iframe", { name: "f" + log.length });
          document.body.append(frame);
          const form = made("form", { action: url, method, enctype, target: frame.name });
          document.body.append(form);
          const end = event(frame, ["load"]);
          form.submit();
          return end;
        });
    await attempt("sandboxed form " + service, async () => {
      const frame = made("iframe", { srcdoc: "<form method=post action='" + url + "'></form>" +
        "<script>document.forms[0].submit()<\\/script>" });
      frame.sandbox = "allow-scripts allow-forms";
      document.body.append(frame);
      await event(frame, ["load"]);
      return event(frame, ["load"]);
    });
    await attempt("img " + service, () => event(made("img", { src: url }), ["load", "error"]));
    for (const [tag, key] of [["script", "src"], ["iframe", "src"], ["link", "href"], ["object", "data"],
        ["embed", "src"], ["video", "src"]])
      await attempt(tag + " " + service, () => {
        const e = made(tag, { [key]: url, rel: "stylesheet" });
        document.body.append(e);
        return event(e, ["load", "error"]);
      });
    await attempt("EventSource " + service, () => {
      const source = new EventSource(url);
      return event(source, ["open", "error"]).finally(() => source.close());
    });
    await attempt("WebSocket " + service, () => event(new WebSocket(url.replace("http", "ws")),
      ["open", "error"]));
    await attempt("XMLHttpRequest " + service, () => {
      const x = new XMLHttpRequest();
      x.open("POST", url);
      x.send("x=y");
      return event(x, ["load", "error"]);
    });
    await attempt("window " + service, async () => {
      const other = window.open(url);
      await wait(300);
      return other ? "opened" : "blocked";
    });
  }
  window.ended = log;
}
</script>"""


class EvilServer:
    """A page of another origin, at its own name, until it is told to go."""

    def __init__(self, port=0):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(EVIL)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(EVIL)

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def attack(page, at):
    page.driver.execute_script("attack(arguments[0])", at)
    log = until("the end of the attacks", lambda: page.driver.execute_script("return window.ended"),
                10)
    print("\n".join(log))
    if len(log) < 80:
        sys.exit("only %d attempts" % len(log))
    return log


def foreign(port):
    evil = EvilServer()
    with Page(port) as page:
        page.driver.get("http://evil.test:%d/" % evil.port)
        for line in attack(page, "http://127.0.0.1:%s" % port):
            # "opaque 0" and "load" say nothing of the answer; that nothing ran is looked at later.
            if " 200" in line or line.endswith(": open"):
                sys.exit(line)
        # A page that the user is led to by a link is the console, and a service is not called.
        page.driver.get("http://evil.test:%d/" % evil.port)
        page.driver.execute_script("location = arguments[0]", "http://127.0.0.1:%s/call/peek" % port)
        until("a refusal", lambda: "another origin" in page.driver.page_source)
        page.driver.get("http://evil.test:%d/" % evil.port)
        page.driver.execute_script("location = arguments[0]", page.at)
        until("the console", lambda: page.services())
    evil.close()


def rebound(port, command):
    evil = EvilServer(port)
    with Page(port) as page:
        page.driver.get("http://evil.test:%s/" % port)
        evil.close()
        subprocess.run(["sh", "-c", command], check=True)
        for line in attack(page, "http://evil.test:%s" % port):
            if " 200" in line or line.endswith(": open"):
                sys.exit(line)
        # The name leads to the server now: it does not give the console to it.
        page.driver.get("http://evil.test:%s/" % port)
        check("no name of this server" in page.driver.page_source, True)
        page.open()
    return 0


if __name__ == "__main__":
    {"types": types, "wrong": wrong, "asks": asks, "live": live, "cancel": cancel, "input": input_,
     "outcomes": outcomes, "token": token, "keyboard": keyboard, "looks": looks, "figures": figures,
     "foreign": foreign, "rebound": rebound}[sys.argv[1]](*sys.argv[2:])
