import { x } from 'y';
