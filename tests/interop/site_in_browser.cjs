// Opens every page of the documentation's site in Chromium and says what is wrong with it.
//
//     site_in_browser.cjs PACKAGES CHROMIUM SITE SHOTS
//
// PACKAGES is the folder in which package.json's packages are installed, CHROMIUM the browser, SITE the folder that mdBook built, SHOTS
// a folder for screen shots. At a phone's and a desk's width, in each theme, a page has no error in the console, asks no other host,
// shows each of its images, and is no wider than the window. Then a page with each of these faults has to be found faulty, else
// nothing here could fail. Ends with 1 if something is wrong.

'use strict';

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { createRequire } = require('node:module');

const [packages, executablePath, site, shots] = process.argv.slice(2);
const load = createRequire(path.join(path.resolve(packages), 'package.json'));
const { chromium } = load('playwright-core');

const WIDTHS = { phone: 390, desk: 1440 };
// mdBook chooses its dark theme by what the browser prefers.
const SCHEMES = ['light', 'dark'];
// mdBook's page for an address that is not there, and the list of pages that is shown without scripts.
const NO_PAGES = ['404.html', 'toc.html'];
const SHOWN = ['index.html', 'permissions.html'];
const TYPES = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript', '.svg': 'image/svg+xml' };
const FAULTS = {
  'faulty-script.html': '<script>nothing.here()</script>',
  'faulty-image.html': '<img src="nowhere.svg">',
  'faulty-host.html': '<img src="http://127.0.0.1:9/x.png">',
  'faulty-width.html': '<div style="width: 3000px">wide</div>',
};

/** Serves the site and the faulty pages as a web server would; search and themes need one. */
function serve() {
  return http.createServer((request, response) => {
    const name = decodeURIComponent(new URL(request.url, 'http://site').pathname).slice(1);
    const file = path.join(site, name);
    const text = FAULTS[name] ?? (fs.existsSync(file) && fs.statSync(file).isFile() ? fs.readFileSync(file) : null);
    response.writeHead(text === null ? 404 : 200, { 'content-type': TYPES[path.extname(name)] ?? 'application/octet-stream' });
    response.end(text);
  });
}

/** What is wrong with a page. */
async function look(context, base, name, shot) {
  const wrong = [];
  const page = await context.newPage();
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && wrong.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => wrong.push(`error: ${error}`));
  page.on('request', (request) => /^(data|blob):/.test(request.url()) || request.url().startsWith(base) || wrong.push(`request: ${request.url()}`));
  page.on('response', (response) => response.status() >= 400 && wrong.push(`${response.status()}: ${response.url()}`));
  await page.goto(base + name, { waitUntil: 'load' });
  const broken = await page.$$eval('img', (all) => all.filter((img) => !img.complete || !img.naturalWidth).map((img) => img.src));
  broken.forEach((src) => wrong.push(`broken image: ${src}`));
  const [width, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  if (width > window) wrong.push(`${width} pixels wide, the window ${window}`);
  if (shot) await page.screenshot({ path: shot });
  const background = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  await page.close();
  return { wrong, background };
}

async function main() {
  const server = serve();
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const base = `http://127.0.0.1:${server.address().port}/`;
  const pages = fs.readdirSync(site, { recursive: true }).filter((name) => name.endsWith('.html') && !NO_PAGES.includes(name));
  const browser = await chromium.launch({ executablePath, args: process.getuid() === 0 ? ['--no-sandbox'] : [] });
  fs.mkdirSync(shots, { recursive: true });
  let failed = 0;
  const report = (what, wrong) => {
    wrong.forEach((words) => console.error(`${what}: ${words}`));
    failed += wrong.length;
  };
  const seen = {};
  for (const [device, width] of Object.entries(WIDTHS)) {
    for (const colorScheme of SCHEMES) {
      const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
      for (const name of pages) {
        const shot = SHOWN.includes(name) && path.join(shots, `site-${path.parse(name).name}-${device}-${colorScheme}.png`);
        const { wrong, background } = await look(context, base, name, shot);
        report(`${name}, ${device}, ${colorScheme}`, wrong);
        seen[colorScheme] = background;
      }
      for (const name of Object.keys(FAULTS)) {
        const { wrong } = await look(context, base, name);
        if (!wrong.length) report(name, [`nothing is found wrong with it: ${device}, ${colorScheme}`]);
      }
      await context.close();
    }
  }
  if (seen.light === seen.dark) report('themes', ['dark is as light']);
  if (pages.length < 20) report('site', [`${pages.length} pages`]);
  console.log(`Chromium ${browser.version()}: ${pages.length} pages, ${failed} faults; screen shots in ${shots}`);
  await browser.close();
  server.close();
  process.exitCode = failed ? 1 : 0;
}

main();
