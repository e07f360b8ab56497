// Opens a page of `regcred plan --html` in Chromium and says what is wrong with it.
//
//     page_in_browser.cjs PACKAGES CHROMIUM PAGE SHOTS PLACES NAME…
//
// PACKAGES is the folder in which package.json's packages are installed, CHROMIUM the browser, SHOTS a folder for screen shots. At a
// phone's and a desk's width, dark and light, the page has to load PLACES rows or more in time, without an error in the console,
// without a request, no wider than the window; the search has to find what is searched. Each NAME, which is markup, has to be text.
// Then the same page is opened with those names as markup and without its policy: what is harmful there has to be seen, else
// nothing here could fail. Ends with 1 if something is wrong.

'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { createRequire } = require('node:module');
const { pathToFileURL } = require('node:url');

const [packages, executablePath, file, shots, places, ...names] = process.argv.slice(2);
const load = createRequire(path.join(path.resolve(packages), 'package.json'));
const { chromium } = load('playwright-core');

const LIMIT_MS = 2000;
const WIDTHS = { phone: 390, desk: 1440 };
const ROWS = 'tbody.places tr';
// The tokens of acme/r7 and acme/r70 to acme/r79.
const [SEARCH, FOUND] = ['r7 token', 11];

/** Opens a page, and has `look` say what is wrong with it; so is what the browser reports meanwhile. */
async function open(browser, file, options, look) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const wrong = [];
  const url = pathToFileURL(file).href;
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && wrong.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => wrong.push(`error: ${error}`));
  page.on('request', (request) => request.url() !== url && wrong.push(`request: ${request.url()}`));
  page.on('dialog', (dialog) => (wrong.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  const start = performance.now();
  await page.goto(url);
  const said = await look(page, start, (what) => wrong.push(what));
  await context.close();
  return { wrong, said };
}

const visible = (page) => page.$$eval(ROWS, (rows) => rows.filter((row) => row.checkVisibility()).length);

async function look(page, start, wrong, shot) {
  await page.waitForSelector('.filter input[type=search]');
  const rows = await visible(page);
  const ms = Math.round(performance.now() - start);
  if (ms > LIMIT_MS) wrong(`${ms} ms until it could be used`);
  if (rows < Number(places)) wrong(`${rows} rows are shown, not ${places} or more`);
  if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) wrong('it is wider than the window');
  const text = await page.evaluate(() => document.body.textContent);
  for (const name of names) if (!text.includes(name)) wrong(`${name} is not in its text`);
  if (await page.title() !== 'regcred') wrong('a name was run');
  if (await page.$$eval('script, img', (found) => found.length) !== 1) wrong('a name became an element');
  await page.screenshot({ path: shot });
  await page.fill('input[type=search]', SEARCH);
  const found = await visible(page);
  if (found !== FOUND) wrong(`"${SEARCH}" found ${found} rows, not ${FOUND}`);
  return { rows, ms, background: await page.evaluate(() => getComputedStyle(document.body).backgroundColor) };
}

async function main() {
  const args = process.getuid() === 0 ? ['--no-sandbox'] : [];
  const browser = await chromium.launch({ executablePath, args });
  fs.mkdirSync(shots, { recursive: true });
  let failed = 0;
  const report = (what, wrong) => {
    wrong.forEach((words) => console.error(`${what}: ${words}`));
    failed += wrong.length;
  };
  for (const [name, width] of Object.entries(WIDTHS)) {
    const seen = {};
    for (const colorScheme of ['light', 'dark']) {
      const shot = path.join(shots, `${name}-${colorScheme}.png`);
      const options = { viewport: { width, height: 900 }, colorScheme };
      const { wrong, said } = await open(browser, file, options, (page, start, add) => look(page, start, add, shot));
      report(`${name}, ${colorScheme}`, wrong);
      console.log(`${name}, ${colorScheme}: ${said.rows} rows in ${said.ms} ms, ${shot}`);
      seen[colorScheme] = said.background;
    }
    if (seen.light === seen.dark) report(name, ['dark is as light']);
  }
  const plain = await open(browser, file, { javaScriptEnabled: false }, visible);
  if (plain.said < Number(places)) report('without script', [`${plain.said} rows`]);
  report('without script', plain.wrong);

  const harmful = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'page-')), 'harmful.html');
  const characters = { '&#60;': '<', '&#62;': '>', '&#34;': '"', '&#39;': "'" };
  const text = fs.readFileSync(file, 'utf8').replace(/<meta http-equiv[^>]*>/, '');
  fs.writeFileSync(harmful, text.replace(/&#(60|62|34|39);/g, (it) => characters[it]));
  const control = await open(browser, harmful, {}, (page) => page.title());
  if (control.said === 'regcred') report('names as markup', ['none was run, so nothing here sees one that is']);
  if (!control.wrong.some((words) => words.startsWith('request'))) report('names as markup', ['no request was seen']);
  fs.rmSync(path.dirname(harmful), { recursive: true });
  console.log(`Chromium ${browser.version()}: ${failed} faults`);
  await browser.close();
  process.exitCode = failed ? 1 : 0;
}

main();
