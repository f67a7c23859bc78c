import { expect, test } from 'vitest'
import type { PlacedAddon } from '../repository/module-places.ts'
import { requirePackage } from './fit-addons.ts'

const addon = (isPackage: boolean, inImage: PlacedAddon['inImage']) =>
  ({ file: 'shop/__manifest__.py', isPackage, inImage }) as PlacedAddon

test('no addon of a package makes a folder of addons of the repository’s', () => {
  const bare = addon(false, 'addons-folder')
  expect(() => requirePackage([bare, addon(true, 'packages')])).toThrow('has no __init__.py beside it')
  requirePackage([bare, addon(true, 'addons-folder')])
  requirePackage([addon(true, 'packages')])
})
